"""`playhead erase …`: erases replays, people, ranges of time and projects from a terminal.

With `--dry-run` a command counts what would go, and changes nothing. Without it, everything that an
index finds is out of sight at once; the running server removes the rest, and its page of erasures
shows the receipt.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from app.cli import environment, projects
from app.cli.environment import out
from app.core import clock, ids, log
from app.core.errors import InvalidInput
from app.core.ids import ReplayId
from app.core.settings import Settings
from app.core.units import format_bytes
from app.db.engine import Database
from app.erasure import replay
from app.erasure.jobs.begin import ErasureWish, begin_erasures
from app.erasure.jobs.model import ErasureKind
from app.erasure.jobs.scopes import (
    KINDS_OF_RECORDS,
    ErasureScope,
    ProjectScope,
    RangeScope,
    make_person_scope,
)
from app.erasure.people.names import NameKind, PersonName, read_name
from app.erasure.people.preview import preview_person
from app.erasure.range_preview import preview_range
from app.projects.model import Project
from app.replays import queries
from app.replays.keeping import holds
from app.replays.model import ReplayKey

erase: Final = typer.Typer(
    help="Erase replays, a person, a range of time or a project.", no_args_is_help=True
)

ProjectArgument = Annotated[
    str, typer.Argument(metavar="PROJECT", help="Id or slug of the project.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count what would go, and change nothing.")]
_NOUNS: Final = {
    "replays": "replays",
    "segments": "segments",
    "events": "errors and messages",
    "feedback": "feedback",
    "logs": "log records",
    "spans": "spans",
    "quarantined": "envelopes in quarantine",
    "messages": "messages that had been sent",
}
Count = Callable[[Database, Project], Awaitable[tuple[Mapping[str, int], int]]]
"""Counts what an erasure would remove, and the replays that legal holds keep."""


@erase.command("replay")
def erase_replay(
    project: ProjectArgument,
    replay_id: Annotated[str, typer.Argument(metavar="REPLAY_ID", help="32 hex digits.")],
    *,
    dry_run: DryRun = False,
) -> None:
    """Delete a replay for good. It disappears at once, and its video within a minute."""
    read_id = ids.read_hex32(replay_id)
    if read_id is None:
        raise InvalidInput(f"{log.shown(replay_id)!r} is not a replay id of 32 hex digits")
    asyncio.run(
        _erase_replay(environment.read_settings(), project, ReplayId(read_id), dry_run=dry_run)
    )


@erase.command("person")
def erase_person(
    project: ProjectArgument,
    *,
    user_id: Annotated[list[str] | None, typer.Option("--id", help="User id.")] = None,
    email: Annotated[list[str] | None, typer.Option(help="E-mail address.")] = None,
    ip_address: Annotated[list[str] | None, typer.Option("--ip", help="IP address.")] = None,
    username: Annotated[list[str] | None, typer.Option(help="User name.")] = None,
    name: Annotated[list[str] | None, typer.Option(help="Name.")] = None,
    device: Annotated[list[str] | None, typer.Option(help="Device id.")] = None,
    dry_run: DryRun = False,
) -> None:
    """Erase everything that names a person; each option may be given several times."""
    typed = {
        NameKind.ID: user_id,
        NameKind.EMAIL: email,
        NameKind.IP: ip_address,
        NameKind.USERNAME: username,
        NameKind.NAME: name,
        NameKind.DEVICE: device,
    }
    names = [
        read_name(kind.value, value) for kind, values in typed.items() for value in values or ()
    ]
    if not names:
        raise InvalidInput("name the person: --id, --email, --ip, --username, --name or --device")
    _EraseCommand(
        ErasureKind.PERSON, project, make_person_scope(names), _count_person(names), dry_run
    ).run()


@erase.command("range")
def erase_range(
    project: ProjectArgument,
    since: Annotated[str, typer.Option(help="Begin, such as 2026-11-30T14:00 (UTC).")],
    until: Annotated[str, typer.Option(help="End, which is excluded.")],
    only: Annotated[
        list[str] | None,
        typer.Option(help=f"One of {', '.join(KINDS_OF_RECORDS)}; may be given several times."),
    ] = None,
    *,
    dry_run: DryRun = False,
) -> None:
    """Erase what a project received in a range of time."""
    kinds = tuple(only or KINDS_OF_RECORDS)
    unknown = [kind for kind in kinds if kind not in KINDS_OF_RECORDS]
    if unknown:
        raise InvalidInput(f"{log.shown(unknown[0])!r} is none of {', '.join(KINDS_OF_RECORDS)}")
    scope = RangeScope(_read_moment(since), _read_moment(until), kinds)
    if scope.since >= scope.until:
        raise InvalidInput("the range must end after it begins")
    _EraseCommand(ErasureKind.RANGE, project, scope, _count_range(scope), dry_run).run()


@erase.command("project")
def erase_project(
    project: ProjectArgument,
    name: Annotated[str, typer.Option(help="The name of the project, to confirm.")] = "",
    *,
    dry_run: DryRun = False,
) -> None:
    """Delete a whole project, with its members, keys and settings."""
    everything = RangeScope(datetime(1970, 1, 1, tzinfo=UTC), clock.now())
    _EraseCommand(
        ErasureKind.PROJECT,
        project,
        ProjectScope(),
        _count_range(everything),
        dry_run,
        confirmation=name,
    ).run()


@dataclass(frozen=True, slots=True)
class _EraseCommand:
    """An erasure as it was typed."""

    kind: ErasureKind
    project: str
    scope: ErasureScope
    count: Count
    is_dry: bool
    confirmation: str | None = None
    """The name of the project, where it must be typed to confirm."""

    def run(self) -> None:
        """Count, or erase, and say what happened."""
        asyncio.run(self._erase(environment.read_settings()))

    async def _erase(self, settings: Settings) -> None:
        async with environment.open_database(settings) as database:
            async with database.reading() as connection:
                project = await projects.find_project(connection, self.project)
            if self.is_dry:
                counts, held = await self.count(database, project)
                _print_counts(counts, held)
                return
            if self.confirmation is not None and self.confirmation != project.name:
                raise InvalidInput(f"to delete the project, confirm with --name {project.name!r}")
            wish = ErasureWish(self.kind, project.id, self.scope, None, clock.now())
            act = await begin_erasures(database, [wish])
        erasure = act.erasures[0]
        kept = f" {act.held} replays stay under a legal hold until it ends." if act.held else ""
        out.print(
            f"Erasure {erasure.id} has begun: {act.replays} replays are out of sight.{kept} "
            "The running server removes everything else and then closes the receipt: "
            f"{environment.find_address(settings)}/erasures/{erasure.id}"
        )


async def _erase_replay(
    settings: Settings, project: str, replay_id: ReplayId, *, dry_run: bool
) -> None:
    async with environment.open_database(settings) as database:
        async with database.reading() as connection:
            found_project = await projects.find_project(connection, project)
            key = ReplayKey(found_project.id, replay_id)
            found = await queries.find_replay(connection, key)
            held = await holds.find_holds(connection, [key])
        if dry_run:
            segments = found.segments if found else 0
            _print_counts({"replays": int(bool(found)), "segments": segments}, len(held))
            return
        tombstone = await replay.erase_replay(database, key, person_id=None, at=clock.now())
    out.print(
        f"Erased: {tombstone.segments} segments, {tombstone.video_bytes / 1_000_000:.1f} MB of "
        "video. The running server removes the stored video within a minute."
    )


def _count_person(names: list[PersonName]) -> Count:
    async def count(database: Database, project: Project) -> tuple[Mapping[str, int], int]:
        async with database.reading() as connection:
            preview = await preview_person(connection, project.id, names, budget_s=None)
        return preview.counts, preview.held

    return count


def _count_range(scope: RangeScope) -> Count:
    async def count(database: Database, project: Project) -> tuple[Mapping[str, int], int]:
        async with database.reading() as connection:
            return await preview_range(connection, project.id, scope)

    return count


def _print_counts(counts: Mapping[str, int], held: int) -> None:
    lines = [f"{counts[name]:,} {noun}" for name, noun in _NOUNS.items() if counts.get(name)]
    if counts.get("video_bytes"):
        lines.append(f"{format_bytes(counts['video_bytes'])} of video")
    out.print(f"Would erase: {', '.join(lines) or 'nothing'}.")
    if held:
        out.print(f"{held:,} replays would stay under a legal hold until it ends.")


def _read_moment(value: str) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except ValueError as error:
        raise InvalidInput("a moment is written as 2026-11-30T14:00, in UTC") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
