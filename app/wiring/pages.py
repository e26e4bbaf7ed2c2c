"""The role `pages`: the web app. Monitoring is beside it, in processes without pages too."""

from fastapi import APIRouter
from starlette.types import ASGIApp

from app import monitoring
from app.administration.people.sign_in_provider import open_sign_in_provider
from app.api.application import make_application
from app.core.settings import Settings
from app.ingest.health import IngestMonitor
from app.ingest.worker import IngestWorker
from app.processes.heartbeat import ProcessHeartbeat
from app.processes.static_releases import StaticReleases, name_own_release
from app.web import router
from app.web.frame import errors as web_errors
from app.web.frame.middleware.compression import compress_pages
from app.web.frame.middleware.guard import Guard
from app.web.frame.middleware.head_requests import HeadRequests
from app.web.frame.middleware.page_metrics import MeasurePages, PageMetrics
from app.web.frame.rendering.assets import Assets, OtherAssets
from app.web.frame.rendering.renderer import Renderer
from app.web.frame.services import PageServices
from app.web.urls import account_urls
from app.wiring.shared import SharedParts
from app.wiring.work import BackgroundWork


def open_page_services(
    shared: SharedParts,
    work: BackgroundWork,
    ingest: IngestWorker | None,
    monitor: IngestMonitor,
    *,
    heartbeat: ProcessHeartbeat,
    renderer: Renderer | None = None,
) -> PageServices:
    """Open what pages use.

    Args:
        shared: The parts that all roles of the process use.
        work: The background work that pages hurry, wherever it is done.
        ingest: The ingest of this process, if it has one.
        monitor: Watches ingest.
        heartbeat: Knows the other processes.
        renderer: The renderer of pages, if the parent of workers has made it for all of them.
    """
    settings = shared.settings
    provider = open_sign_in_provider(
        settings, callback=account_urls.PROVIDER_CALLBACK, signed_out=account_urls.SIGN_IN
    )
    if provider is not None:
        shared.stack.push_async_callback(provider.openid.close)

    page_services = PageServices(
        settings,
        shared.database,
        shared.objects,
        shared.keys,
        shared.rules,
        renderer or make_renderer(settings),
        work.sweeper,
        work.eraser,
        work.retention,
        monitor,
        work.closer,
        heartbeat,
        ingest.retrier if ingest else None,
        monitoring.server_counts(ingest, shared.connections, work.maker, work.closer),
        StaticReleases(shared.database),
        work.uploads.services,
        work.alerts,
        work.clips,
        provider,
    )
    shared.stack.push_async_callback(page_services.close)
    return page_services


def make_renderer(settings: Settings) -> Renderer:
    """Make what renders pages."""
    return Renderer(
        static_base=f"/static/{name_own_release()}",
        has_cells=bool(settings.cell or settings.cells),
    )


def build_pages(
    page_services: PageServices, monitoring_routes: APIRouter, page_metrics: PageMetrics
) -> ASGIApp:
    """Make the web application, with the guard before its pages."""
    pages = make_application()
    pages.state.page_services = page_services
    pages.include_router(monitoring_routes)
    pages.include_router(router.pages())
    pages.mount(f"/static/{name_own_release()}", Assets(), name="static")
    pages.mount("/static", OtherAssets(page_services.static_releases))
    web_errors.install(pages)
    return Guard(
        HeadRequests(compress_pages(MeasurePages(pages, page_metrics))),
        base_url=page_services.settings.base_url,
        is_only_origin=page_services.settings.public_url is not None,
        proxies=page_services.proxies,
    )
