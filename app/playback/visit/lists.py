"""Reads the lists that belong to a replay, each from its start or from a given place on."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.audit import queries as audit
from app.audit.model import VIEWERS_PER_PART
from app.issues.events import replay_events
from app.issues.events.replay_events import EventPlace, LinkedEvents
from app.playback.links import (
    linked_errors,
    linked_feedback,
    linked_logs,
    linked_traces,
)
from app.playback.visit.model import (
    ReplayContext,
    ReplayErrors,
    ReplayFeedback,
    ReplayLogs,
    ReplayTraces,
    ReplayViewers,
)
from app.traces import logs, parts, queries as traces
from app.traces.logs import LogPlace
from app.traces.model import StoredSpan
from app.traces.parts import BlockPlace


async def read_events(
    connection: AsyncConnection,
    context: ReplayContext,
    *,
    after: EventPlace = replay_events.BEFORE_ALL,
    payload_bytes: int = replay_events.PAYLOAD_BYTES,
) -> LinkedEvents:
    """Read the errors of a replay that matter most, in the order of their time.

    Args:
        connection: The connection to read with.
        context: The replay.
        after: The place after which the part begins.
        payload_bytes: Packed payloads that are read at most; events beyond have none.
    """
    return await replay_events.read_linked_events(
        connection,
        context.window,
        context.project_ids,
        home=context.key.project_id,
        after=after,
        payload_bytes=payload_bytes,
    )


async def place_errors(
    connection: AsyncConnection,
    context: ReplayContext,
    events: LinkedEvents,
    *,
    replay_spans: Sequence[StoredSpan] | None = None,
) -> ReplayErrors:
    """Place errors on the clock of their replay.

    Args:
        connection: The connection to read spans with.
        context: The replay.
        events: The errors.
        replay_spans: All spans of the replay if they are read already.
    """
    offsets = await linked_errors.place_errors(
        connection,
        context.window,
        context.project_ids,
        home=context.key.project_id,
        events=events,
        replay_spans=replay_spans,
    )
    return ReplayErrors(context, events, offsets)


async def read_logs(
    connection: AsyncConnection,
    context: ReplayContext,
    *,
    after: LogPlace = logs.BEFORE_ALL,
    replay_spans: Sequence[StoredSpan] | None = None,
) -> ReplayLogs:
    """Read the log records of a replay in the order of their time, and count them.

    Args:
        connection: The connection to read with.
        context: The replay.
        after: The place after which the part begins.
        replay_spans: All spans of the replay if they are read already.
    """
    window, project_ids = context.window, context.project_ids
    records = await linked_logs.read_logs(
        connection,
        window,
        context.key.project_id,
        project_ids,
        after=after,
        replay_spans=replay_spans,
    )
    count = await linked_logs.count_logs(connection, window, project_ids, records=records)
    return ReplayLogs(context, linked_logs.hide_bodies(records, context.without_bodies), count)


async def read_traces(
    connection: AsyncConnection,
    context: ReplayContext,
    events: LinkedEvents,
    *,
    after: BlockPlace = parts.BEFORE_ALL,
) -> ReplayTraces:
    """Read the spans of a replay, and lay its traces out on its clock.

    Args:
        connection: The connection to read with.
        context: The replay.
        events: The errors that are marked on the spans.
        after: The place after which spans are read.
    """
    window = context.window
    spans = await traces.read_spans_of_replay(connection, window, context.project_ids, after=after)
    laid_out = await linked_traces.lay_out_replay_traces(
        connection,
        window,
        context.project.id,
        spans=spans,
        events=[(linked.event.project_id, linked.event.event_id) for linked in events.events],
    )
    return ReplayTraces(context, spans, laid_out, events)


async def read_feedback(
    connection: AsyncConnection, context: ReplayContext, *, first: int = 0
) -> ReplayFeedback:
    """Read the feedback on a replay after the first rows, and count all of it."""
    window, project_ids = context.window, context.project_ids
    feedback = await linked_feedback.read_feedback(connection, window, project_ids, first=first)
    total = len(feedback)
    if first or total >= linked_feedback.PART_FEEDBACK:
        total = await linked_feedback.count_feedback(connection, window, project_ids)
    return ReplayFeedback(context, tuple(feedback), total)


async def read_viewers(
    connection: AsyncConnection, context: ReplayContext, *, first: int = 0
) -> ReplayViewers:
    """Read who has opened a replay after the first people, and count all of them."""
    key = (context.key.project_id, context.key.replay_id)
    viewers = await audit.list_viewers(connection, *key, first=first)
    total = len(viewers)
    if first or total >= VIEWERS_PER_PART:
        total = await audit.count_viewers(connection, *key)
    names = await accounts.read_person_names(connection, [viewer.person_id for viewer in viewers])
    return ReplayViewers(context, tuple(viewers), names, total)
