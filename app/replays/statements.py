"""The statements that add a batch of segments: an array for each column, unnested by Postgres."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Integer,
    LargeBinary,
    Text,
    TextClause,
    bindparam,
    column,
    text,
)
from sqlalchemy.types import TypeEngine

from app.db.types import Hex32

_AT: Final = DateTime(timezone=True)
_BETWEEN: Final = "\x1f"
"""Joins the texts of one row's array: unnest would flatten arrays of arrays."""

_KEY: Final[dict[str, TypeEngine[Any]]] = {"project_id": BigInteger(), "replay_id": Hex32()}
_SEGMENT: Final = _KEY | {
    "segment_id": Integer(),
    "received_at": _AT,
    "drift_ms": BigInteger(),
    "started_at": _AT,
    "ended_at": _AT,
    "replay_type": Text(),
    "sdk_name": Text(),
    "width_px": Integer(),
    "height_px": Integer(),
    "frames": Integer(),
    "codec": Text(),
    "video_fault": Text(),
    "pack_id": BigInteger(),
    "object_offset": BigInteger(),
    "object_bytes": BigInteger(),
    "layout": LargeBinary(),
    "recording": LargeBinary(),
    "breadcrumbs": Integer(),
    "screens": Text(),
}
_GAINED: Final = (
    "width_px", "height_px", "frames", "codec", "video_fault",
    "pack_id", "object_offset", "object_bytes", "layout",
)  # fmt: skip
"""What a row without video takes over from a delivery with one."""
_DECIDED: Final = {
    "type_rank": ("replay_type", "drift_ms"),
    "facts_rank": ("facts",),
    "user_rank": ("recorded_user",),
}
"""Ranks, and what the segment with the lowest rank decides."""
_EARLIEST: Final = ("first_received_at", "started_at")
_LATEST: Final = ("last_received_at", "ended_at", "background_at", "foreground_at")
_ADDED: Final = (
    "segments", "video_segments", "video_ms", "video_bytes", "frames", "breadcrumbs",
    "taps", "rage_taps", "network_requests", "network_failures",
)  # fmt: skip
_REPLAY: Final = _KEY | {
    **dict.fromkeys((*_EARLIEST, *_LATEST), _AT),
    "drift_ms": BigInteger(),
    **dict.fromkeys(_DECIDED, Integer()),
    "replay_type": Text(),
    "facts": Text(),
    "recorded_user": Text(),
    "screens": Text(),
    **dict.fromkeys(_ADDED, BigInteger()),
}
_TRACE: Final = _KEY | {"trace_id": Hex32()}
SCREENS: Final = 200
"""Screens kept per replay for lists; the page reads them all from its segments."""
_JOINED_SCREENS: Final = f"""
    case when excluded.screens <@ replays.screens then replays.screens else
        (select coalesce(array_agg(s order by s), '{{}}') from (
            select distinct s from unnest(replays.screens || excluded.screens) as s
            order by s limit {SCREENS}
        ) as u)
    end"""  # noqa: S608 - made of a number


def joined(texts: Iterable[str]) -> str:
    """Join the texts of one row's array, as the statements take them apart."""
    return _BETWEEN.join(one.replace(_BETWEEN, " ") for one in texts)


def _arrays(columns: dict[str, TypeEngine[Any]]) -> str:
    return f"unnest({', '.join(f':{name}' for name in columns)}) as new({', '.join(columns)})"


def _taken(columns: Iterable[str]) -> str:
    """Write what is selected of the arrays: as it is, or brought into the column's type."""
    changed = {
        "screens": f"string_to_array(screens, '{_BETWEEN}')",
        "facts": "facts::jsonb",
        "recorded_user": "recorded_user::jsonb",
    }
    return ", ".join(changed.get(name, name) for name in columns)


def _bound(sql: str, columns: dict[str, TypeEngine[Any]]) -> TextClause:
    return text(sql).bindparams(
        *(bindparam(name, type_=ARRAY(kind)) for name, kind in columns.items())
    )


def _insert_segments() -> Any:
    gained = ", ".join(f"{name} = excluded.{name}" for name in _GAINED)
    sql = f"""
        insert into segments ({", ".join(_SEGMENT)})
        select {_taken(_SEGMENT)} from {_arrays(_SEGMENT)}
        on conflict (project_id, replay_id, segment_id) do update set {gained},
            started_at = least(segments.started_at, excluded.started_at),
            ended_at = greatest(segments.ended_at, excluded.ended_at)
        where segments.pack_id is null and excluded.pack_id is not null
        returning project_id, replay_id, segment_id, (xmax = 0) as is_new
        """  # noqa: S608 - made of the names above
    return _bound(sql, _SEGMENT).columns(
        column("project_id", BigInteger),
        column("replay_id", Hex32),
        column("segment_id", Integer),
        column("is_new"),
    )


def _upsert_replays() -> TextClause:
    changes = [f"{name} = least(replays.{name}, excluded.{name})" for name in _EARLIEST]
    changes += [f"{name} = greatest(replays.{name}, excluded.{name})" for name in _LATEST]
    changes += [f"{name} = replays.{name} + excluded.{name}" for name in _ADDED]
    changes.append(f"screens = {_JOINED_SCREENS}")
    for rank, decided in _DECIDED.items():
        changes.append(f"{rank} = least(replays.{rank}, excluded.{rank})")
        changes += [
            f"{name} = case when excluded.{rank} < replays.{rank} "
            f"then excluded.{name} else replays.{name} end"
            for name in decided
        ]
    sql = f"""
        insert into replays ({", ".join(_REPLAY)})
        select {_taken(_REPLAY)} from {_arrays(_REPLAY)}
        on conflict (project_id, replay_id) do update set {", ".join(changes)}
        """  # noqa: S608 - made of the names above
    return _bound(sql, _REPLAY)


def _insert_traces() -> TextClause:
    sql = f"""
        insert into replay_traces ({", ".join(_TRACE)})
        select {", ".join(_TRACE)} from {_arrays(_TRACE)} on conflict do nothing
        """  # noqa: S608 - made of the names above
    return _bound(sql, _TRACE)


INSERT_SEGMENTS: Final = _insert_segments()
UPSERT_REPLAYS: Final = _upsert_replays()
INSERT_TRACES: Final = _insert_traces()
