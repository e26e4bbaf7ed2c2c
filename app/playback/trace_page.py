"""The use cases of a trace's pages: the trace with its replays, and what a span says of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.accounts.model import Person
from app.audit import writes as audit
from app.audit.model import Action
from app.core.errors import NotFound
from app.core.ids import ProjectId, SpanId, TraceId
from app.db.engine import Database
from app.formats import bodies
from app.formats.jsonish import JsonObject
from app.issues.events.replay_events import EventPlace
from app.memberships import queries as memberships
from app.playback.links import linked_traces
from app.playback.links.linked_traces import TracePart
from app.replays import trace_links
from app.replays.trace_links import TracedReplay
from app.traces import queries as traces
from app.traces.parts import BlockPlace


@dataclass(frozen=True, slots=True)
class TracePageData:
    """A trace, or a part of it, and the replays that it runs through."""

    part: TracePart
    replays: tuple[TracedReplay, ...]
    """The replays, newest first."""
    project_names: Mapping[ProjectId, str]
    """Names of the projects that the reader may see."""


async def find_trace(
    database: Database,
    person: Person,
    trace_id: TraceId,
    *,
    after: BlockPlace,
    after_error: EventPlace,
) -> TracePageData:
    """Read a trace of app and backends, as far as a person may see it.

    Args:
        database: The database to read.
        person: The person who reads.
        trace_id: The trace.
        after: The place after which spans are read.
        after_error: The place after which errors are read.

    Raises:
        NotFound: Nothing of the trace is stored in a project that the person may see.
    """
    async with database.reading() as connection:
        projects = await memberships.list_projects(connection, person)
        project_ids = [project.id for project in projects]
        part = await linked_traces.read_trace(
            connection, trace_id, project_ids, after=after, after_error=after_error
        )
        if part is None:
            raise NotFound("no such trace")
        replays = await trace_links.read_replays_in_trace(connection, trace_id, project_ids)
    await _note_views(database, person, trace_id, replays)
    names = {project.id: project.name for project in projects}
    return TracePageData(part, tuple(replays), names)


async def _note_views(
    database: Database, person: Person, trace_id: TraceId, replays: Sequence[TracedReplay]
) -> None:
    """Record who has looked at a trace that shows what a user of an app did.

    There is a line for each project with such a replay, which its admins read. A trace of backends
    alone shows nobody's doing.
    """
    projects = sorted({replay.key.project_id for replay in replays})
    if not projects:
        return
    async with database.transaction() as connection:
        for project_id in projects:
            await audit.add_audit_line(
                connection,
                Action.TRACE_VIEWED,
                person_id=person.id,
                project_id=project_id,
                subject=trace_id,
            )


async def find_span_data(
    database: Database, person: Person, trace_id: TraceId, span_id: SpanId
) -> JsonObject:
    """Read what a span says of itself, without bodies where the person may not see them.

    Raises:
        NotFound: There is no such span in a project that the person may see.
    """
    async with database.reading() as connection:
        visible = await memberships.list_projects(connection, person)
        closed = await memberships.find_projects_without_bodies(connection, person, visible)
        project_ids = [project.id for project in visible if project.id not in closed]
        data = await traces.find_span_data(connection, trace_id, span_id, project_ids)
        if data is None and closed:
            data = await traces.find_span_data(connection, trace_id, span_id, sorted(closed))
            data = None if data is None else bodies.hide_bodies(data)
        if data is None:
            raise NotFound("no such span")
        visible_ids = [project.id for project in visible]
        replays = await trace_links.read_replays_in_trace(connection, trace_id, visible_ids)
    await _note_views(database, person, trace_id, replays)
    return data
