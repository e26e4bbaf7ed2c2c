"""The services that pages use, held once per process in `app.state.page_services`."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from app.administration.people.mail_links import ResetLimiter
from app.administration.people.sign_in_provider import SignInProvider
from app.administration.server.server_health import ServerCounts
from app.alerts.parts import AlertParts
from app.closing.closer import Closer
from app.core import log
from app.core.settings import Settings
from app.db.engine import Database
from app.debug_uploads.services import UploadServices
from app.erasure.jobs.worker import Eraser
from app.erasure.sweep import Sweeper
from app.ingest.health import IngestMonitor
from app.ingest.quarantine import QuarantineRetrier
from app.playback.clips.worker import ClipMaker
from app.playback.pictures.moment import MomentCache, make_moment_cache
from app.playback.video.index_cache import IndexCache
from app.playback.visit.view_notes import ViewNotes
from app.processes.heartbeat import ProcessHeartbeat
from app.processes.static_releases import StaticReleases
from app.projects.keys import KeyCache
from app.projects.rule_cache import RuleCache
from app.retention.worker import RetentionWorker
from app.sharing.limiter import ShareLimiter
from app.sharing.message_jpegs import JpegCache, make_jpeg_cache
from app.sharing.part_strips import StripCache, make_strip_cache
from app.sharing.visits import ShareVisits
from app.storage.port import ObjectStore
from app.web.frame.middleware.csp_reports import CspReports
from app.web.frame.middleware.proxies import ProxyMonitor
from app.web.frame.rendering import assets
from app.web.frame.rendering.renderer import Renderer


@dataclass(frozen=True, slots=True)
class PageServices:
    """The database, the storage and the workers that pages use, and what they share."""

    settings: Settings
    db: Database
    store: ObjectStore
    keys: KeyCache
    rules: RuleCache
    renderer: Renderer
    sweeper: Sweeper
    eraser: Eraser
    retention: RetentionWorker
    ingest_monitor: IngestMonitor
    closer: Closer
    heartbeat: ProcessHeartbeat
    """Knows the other processes."""
    retrier: QuarantineRetrier | None
    """Sends envelopes through digest again; None where the process has no journal."""
    read_counts: Callable[[], ServerCounts]
    """Returns what this process counts, for the page of the server's health."""
    static_releases: StaticReleases
    uploads: UploadServices
    """The receiver of debug files that people upload."""
    alerts: AlertParts
    """Alerts in this process, and whether it sends mails."""
    clips: ClipMaker
    """Renders clips, in this process or in another one."""
    sign_in_provider: SignInProvider | None = None
    """The provider at which people sign in, if the settings name one."""
    reset_limiter: ResetLimiter = field(default_factory=ResetLimiter)
    index_cache: IndexCache = field(default_factory=IndexCache)
    view_notes: ViewNotes = field(default_factory=ViewNotes)
    share_limiter: ShareLimiter = field(default_factory=ShareLimiter)
    share_visits: ShareVisits = field(default_factory=ShareVisits)
    jpeg_cache: JpegCache = field(default_factory=make_jpeg_cache)
    moment_cache: MomentCache = field(default_factory=make_moment_cache)
    strip_cache: StripCache = field(default_factory=make_strip_cache)
    share_slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """Held while recordings are read for a stranger, who never takes the whole server so."""
    drawing_slot: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Held while a page has a picture drawn: one media child at a time, for all visitors."""
    upload_slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """Held while a debug file is uploaded, so that few of them lie on the disk at once."""
    csp_reports: CspReports = field(default_factory=CspReports)
    proxies: ProxyMonitor = field(default_factory=ProxyMonitor)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """The work that pages have begun and that outlives their answers."""

    @property
    def is_https(self) -> bool:
        """Tell whether people reach this server by https."""
        return self.settings.base_url.startswith("https://")

    def begin(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """Run work in the background; a failure is logged."""
        task = asyncio.create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def begin_warming_up(self) -> None:
        """Prepare templates and static files, which the first visitor would wait for otherwise."""
        self.begin(asyncio.to_thread(self._warm_up), name="pages")

    async def close(self) -> None:
        """End the work in the background."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def _warm_up(self) -> None:
        self.renderer.prepare()
        assets.prepare_assets()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.get_logger("web.page_services").error(
                "background_work_failed", work=task.get_name(), error=error
            )


def services_of(request: Request) -> PageServices:
    """Return the services of the application that a request came to."""
    services: PageServices = request.app.state.page_services
    return services
