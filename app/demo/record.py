"""Records the demo: makes the envelopes for the server from a seed and an end time.

story → usage log ─ segments: the replay                           ┐
                  ├ app_items: sessions, transactions, errors, logs  ├ deliveries, in order
                  └ backend: transactions, the error                 ┘
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from app.core.ids import PublicKey, ReplayId
from app.demo import app_items, backend, segments, story
from app.demo.phone import Dice
from app.demo.session import APP, OutgoingItem, Session, write_envelope, write_iso
from app.demo.shop import PEOPLE
from app.demo.usage_log import DemoScreenVisit
from app.formats.jsonish import JsonObject

SENT_AFTER_MS: Final = 60_000
"""The phone was offline for a minute: it sends from disk, and adds the time of sending."""
_SENT_EVERY_MS: Final = 40
_PACKED_AFTER_MS: Final = 600
_REPORTED_AFTER_MS: Final = 20
_NEXT_LAUNCH_MS: Final = 5_000
_NO_KEY: Final = PublicKey("0123456789abcdef0123456789abcdef")

Sender = Literal["app", "backend"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request to the server: its sender, and the envelope before compression."""

    envelope: bytes
    project: Sender
    replay_id: ReplayId


_Draft = tuple[int, Sender, JsonObject, tuple[OutgoingItem, ...]]
"""Time, sender, header and items of an envelope that still lacks the time of sending."""


def record_demo(
    seed: int,
    ended_ms: int,
    *,
    app_key: PublicKey = _NO_KEY,
    replay_id: ReplayId | None = None,
) -> list[Delivery]:
    """Record the whole demo; the same arguments give the same bytes.

    Args:
        seed: Any number; ids, positions of fingers and latencies follow from it.
        ended_ms: The time of the crash, in milliseconds since 1970.
        app_key: The app's public key, which every envelope of its traces names.
        replay_id: The id of the replay; None draws one from the seed.

    Returns:
        Deliveries in the order of sending. The next launch finds the last segment, so that it is
        the last one.
    """
    dice = Dice(seed)
    person = PEOPLE[dice.randrange(len(PEOPLE))]
    usage = story.play_story(dice, person)
    # Drawn in any case, so that the seed gives the same recording whoever names the replay.
    drawn_id = ReplayId(dice.draw_id(128))
    session_id, install_id = dice.draw_id(128), dice.draw_id(128)
    session = Session(
        replay_id or drawn_id, session_id, install_id, f"{dice.random():.12f}", app_key, person,
        ended_ms - usage.ended_ms, usage,
    )  # fmt: skip
    drafts = [*_draft_segments(session), *_draft_app_items(session, dice),
              *_draft_backend_items(session, dice)]  # fmt: skip
    deliveries = []
    for at, (_, sender, header, items) in enumerate(sorted(drafts, key=lambda draft: draft[0])):
        sent_ms = ended_ms + SENT_AFTER_MS + at * _SENT_EVERY_MS
        envelope = write_envelope({**header, "sent_at": write_iso(sent_ms)}, items)
        deliveries.append(Delivery(envelope, sender, session.replay_id))
    return deliveries


def _draft_segments(session: Session) -> Iterator[_Draft]:
    camera = segments.Camera(session.usage, session.started_at_ms)
    for window in segments.cut_windows(session.usage):
        item = segments.replay_video_item(session, window, camera.film(window))
        header: JsonObject = {"event_id": session.replay_id, "sdk": APP["sdk"]}
        if window.is_recovered:
            yield window.ended_ms + _NEXT_LAUNCH_MS, "app", header, (item,)
        else:
            header["trace"] = session.trace_header(session.usage.visit_at(window.ended_ms))
            yield window.ended_ms + _PACKED_AFTER_MS, "app", header, (item,)


def _draft_app_items(session: Session, dice: Dice) -> Iterator[_Draft]:
    sdk = {"sdk": APP["sdk"]}
    yield -40, "app", sdk, (app_items.session_item(session, "ok"),)
    for visit in session.usage.visits:
        header = sdk | _event_header(session, visit, dice)
        span_ids = (dice.draw_id(64), dice.draw_id(64))
        item = app_items.transaction_item(session, visit, header["event_id"], span_ids)
        yield visit.ended_ms + 2 * _REPORTED_AFTER_MS, "app", header, (item,)
    for at_ms, visit in session.usage.problems:
        header = sdk | _event_header(session, visit, dice)
        items = [app_items.error_item(session, at_ms, visit, header["event_id"])]
        if at_ms == session.usage.ended_ms:
            items.append(app_items.session_item(session, "crashed"))
        else:
            log = app_items.log_item(session, at_ms, visit)
            yield at_ms + _REPORTED_AFTER_MS + _PACKED_AFTER_MS, "app", sdk, (log,)
        yield at_ms + _REPORTED_AFTER_MS, "app", header, tuple(items)


def _draft_backend_items(session: Session, dice: Dice) -> Iterator[_Draft]:
    served = [(v, r) for v in session.usage.visits for r in v.requests if r.route]
    for visit, request in served:
        header = _event_header(session, visit, dice)
        item = backend.transaction_item(session, visit, request, header["event_id"], dice)
        yield request.ended_ms, "backend", header, (item,)
        if request.has_failed:
            header = _event_header(session, visit, dice)
            item = backend.error_item(session, visit, request, header["event_id"])
            yield request.ended_ms - 1, "backend", header, (item,)


def _event_header(session: Session, visit: DemoScreenVisit, dice: Dice) -> JsonObject:
    return {"event_id": dice.draw_id(128), "trace": session.trace_header(visit)}
