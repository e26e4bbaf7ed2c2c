"""A `log` item: a container of log records."""

from app.formats import log
from app.formats.stored.packed_json import pack_json
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items import scrubbed
from app.ingest.prepared import Context, Prepared
from app.projects.model import Outcome
from app.scrub.places import PayloadKind
from app.traces.model import NewLog


def prepare(item: EnvelopeItem, context: Context, prepared: Prepared) -> None:
    """Turn one item into log records to be stored; each record is counted.

    Raises:
        MalformedInput: It is no JSON object with a list of items.
        OversizedInput: It is over a limit.
    """
    log.check_log_container_size(item.payload)
    raw = scrubbed.value(item.payload, context, kind=PayloadKind.LOG, what="log container")
    container = log.parse_log_container(raw, context.header, sent_at=context.sent_at)
    if container.skipped:
        prepared.count(context, "log", Outcome.REFUSED, "malformed", quantity=container.skipped)
    prepared.logs += [
        NewLog(
            project_id=context.project_id,
            log_id=one.log_id,
            received_at=context.received_at,
            at=(at := context.moment_of(one.at)),
            drift_ms=context.drift_of(at),
            level=one.level,
            body=one.body,
            trace_id=one.trace_id,
            span_id=one.span_id,
            replay_id=one.replay_id,
            release=one.release,
            environment=one.environment,
            attributes=pack_json(one.attributes),
        )
        for one in container.logs
    ]
