"""The role `worker`: everything that is done in the background beside digest."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from app import background
from app.alerts.closing_step import AlertStep
from app.alerts.parts import AlertParts
from app.background import Housekeeper
from app.closing.closer import Closer
from app.closing.sealing.sealer import Sealer
from app.closing.step import ClosingStep
from app.core import units
from app.debug_uploads.cleaning import UploadCleaner
from app.erasure.jobs.model import UnreachableHost
from app.erasure.jobs.worker import Eraser, FindBacklog, ListUnreachable
from app.erasure.log.file import ErasureLog
from app.erasure.sweep import Sweeper
from app.ingest.digest.link_issues import link_events_to_replays, relink_replays
from app.ingest.worker import IngestWorker
from app.playback.clips.render_task import ClipResources
from app.playback.clips.worker import ClipMaker
from app.playback.pictures.maker import PictureMaker
from app.playback.video.index_cache import IndexCache
from app.processes.backlog import find_oldest_backlog, list_unreachable
from app.processes.duties import ProcessDuty
from app.processes.heartbeat import ProcessHeartbeat
from app.retention.rules.keep_rules import KeepRuleStep
from app.retention.worker import RetentionWorker
from app.symbolication.redo.events import EventRedoer
from app.symbolication.redo.worker import SymbolicationRedoer
from app.wiring.alerts import open_alerts, start_alerts
from app.wiring.shared import SharedParts
from app.wiring.uploads import DebugUploads, make_debug_uploads

_BUSY_ENTRIES: Final = 200
"""The number of undigested envelopes above which pictures and the closing of replays wait."""

_CLEANING_PAUSE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class BackgroundWork:
    """The background work of a process; it is made for each, and started for the role `worker`.

    Pages hurry it and read its counts. Without the role, another process comes to it by itself.
    """

    sweeper: Sweeper
    eraser: Eraser
    retention: RetentionWorker
    closer: Closer
    maker: PictureMaker
    clips: ClipMaker
    uploads: DebugUploads
    alerts: AlertParts
    symbolication: SymbolicationRedoer


def make_background_work(
    shared: SharedParts, ingest: IngestWorker | None, heartbeat: ProcessHeartbeat
) -> BackgroundWork:
    """Make the background work; it does nothing before `start_background_work`.

    Args:
        shared: The parts that every process has.
        ingest: The ingest of this process, if it has one.
        heartbeat: Knows the other processes.
    """
    settings, database, objects = shared.settings, shared.database, shared.objects
    # Each step is run when a replay has closed, in this order.
    steps: list[ClosingStep] = [
        Sealer(database, objects),
        KeepRuleStep(database),
        AlertStep(database, shared.wanted),
    ]
    sweeper = Sweeper(database, objects)
    return BackgroundWork(
        sweeper,
        Eraser(
            database,
            objects,
            ErasureLog(settings.erasure_log_path),
            relink=relink_replays,
            find_backlog=_make_backlog_reader(ingest, heartbeat),
            list_unreachable=_make_unreachable_reader(heartbeat),
            hurry_sweep=sweeper.hurry,
        ),
        RetentionWorker(
            database,
            objects,
            longest_days=settings.keep_days_at_most,
            unused_debug_file_days=settings.keep_debug_files_days,
        ),
        Closer(database, steps, quiet=timedelta(seconds=settings.replay_quiet_s)),
        PictureMaker(database, objects, shared.picture_notes),
        ClipMaker(
            ClipResources(
                database,
                objects,
                IndexCache(),
                settings.data_dir.resolve() / "clips",
                settings.clip_cpu_s,
            )
        ),
        make_debug_uploads(shared),
        open_alerts(shared, heartbeat.identity.process_id),
        SymbolicationRedoer(
            database,
            EventRedoer(
                database, objects, shared.symbolication.symbolicator, link_events_to_replays
            ),
        ),
    )


def start_background_work(
    work: BackgroundWork, shared: SharedParts, ingest: IngestWorker | None, process_id: str
) -> None:
    """Start all of it; what takes much of the processor waits while ingest needs that.

    Pictures, closing, erasing and the sweep are done by all processes at once, each with rows of
    its own: a receipt must not wait for the lease of a process that died. Retention and
    housekeeping are duties: one process does them, and another one when that dies.
    """
    is_busy = _make_busy_reader(ingest)
    if shared.settings.pictures:
        work.maker.start(is_busy=is_busy)
        shared.stack.push_async_callback(work.maker.stop)
    if shared.settings.clips:
        shared.start(work.clips)
    work.closer.start(is_busy=is_busy)
    shared.stack.push_async_callback(work.closer.stop)
    work.symbolication.is_busy = is_busy
    shared.start(work.symbolication)
    shared.start(work.eraser)
    shared.start(work.sweeper)
    start_alerts(work.alerts, shared, process_id)
    shared.start(work.uploads.assembler)
    housekeeper = Housekeeper(
        shared.database,
        heartbeat_s=shared.settings.heartbeat_s,
        silent_after_s=shared.settings.silent_after_s,
    )
    for worker, name, pause in (
        (work.retention, "retention", timedelta(0)),
        (housekeeper, "housekeeping", background.PAUSE),
        (UploadCleaner(shared.database, shared.objects), "upload cleaning", _CLEANING_PAUSE),
    ):
        worker.duty = ProcessDuty(shared.database, process_id, name, pause=pause)
        shared.start(worker)


def _make_busy_reader(ingest: IngestWorker | None) -> Callable[[], bool]:
    if ingest is None:
        return lambda: False
    journal = ingest.journal
    return lambda: journal.backlog().entries > _BUSY_ENTRIES


def _make_backlog_reader(ingest: IngestWorker | None, heartbeat: ProcessHeartbeat) -> FindBacklog:
    """Return what says since when anything may wait in the journal of any process."""
    own_id = heartbeat.identity.process_id

    def find_backlog() -> datetime | None:
        if heartbeat.read_at_s is None or (ingest and not ingest.digester.has_adopted):
            return datetime.min.replace(tzinfo=UTC)
        oldest_ms = ingest.journal.backlog().oldest_received_ms if ingest else None
        own = None if oldest_ms is None else units.at_from_ms(oldest_ms)
        others = find_oldest_backlog(heartbeat.records, own_id=own_id)
        return min((each for each in (own, others) if each is not None), default=None)

    return find_backlog


def _make_unreachable_reader(heartbeat: ProcessHeartbeat) -> ListUnreachable:
    """Return what names the hosts with journals that nobody reaches, each host once."""

    def list_hosts() -> list[UnreachableHost]:
        hosts: dict[str, UnreachableHost] = {}
        for record in list_unreachable(heartbeat.records, own_id=heartbeat.identity.process_id):
            name = record.identity.host
            before = hosts.get(name, UnreachableHost(name, record.seen_at, 0))
            hosts[name] = UnreachableHost(
                name,
                max(before.seen_at, record.seen_at),
                before.waiting + record.condition.backlog_entries,
            )
        return list(hosts.values())

    return list_hosts
