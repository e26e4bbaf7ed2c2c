"""One made-up value of every page, rich enough to reach every branch of its template."""

from dataclasses import dataclass, replace
from typing import Any

from app.core.ids import EventId, SpanId
from app.playback.recording.conditions import DeviceCondition
from app.playback.recording.contents import ScreenSpan
from app.web.account import page as account
from app.web.frame.alerts.alert import Alert
from app.web.frame.rendering import state_pages
from app.web.frame.rendering.chrome import Chrome, Notice
from app.web.project import page as project
from app.web.replay import page as replay
from app.web.replay.panels import panel_filters, rows
from app.web.replays import page as replay_list
from app.web.set_up import page as set_up, snippets
from app.web.set_up.build_snippets import write_build_snippets
from app.web.urls import list_urls, project_urls, replay_urls
from app.web.why import build as why_build, page as why
from app.web.words import outcomes
from app.web.words.panels import activity, problems
from app.web.words.replay.facts import Fact, FactGroup
from app.web.words.trace import trace_rows
from tests.unit.web.samples import (
    alert_samples,
    clip_samples,
    debug_file_samples,
    erasure_samples,
    handover_samples,
    issue_samples,
    list_samples,
    part_samples,
    privacy_samples,
    report_samples,
    retention_samples,
    room_samples,
    server_samples,
    share_samples,
)
from tests.unit.web.samples.made_up import DSN, NOW, PROJECT, REPLAY, TRACE
from tests.unit.web.samples.project_samples import PROJECT_PAGE
from tests.unit.web.samples.request_samples import BARE_DETAILS, DETAILS, LOGS, NETWORK
from tests.unit.web.samples.trace_samples import TRACE_PAGE, TRACES, trace_span


@dataclass(frozen=True)
class Sample:
    """A page as a route would render it."""

    template: str
    page: object
    chrome: Chrome


_FRAMES = tuple(
    problems.FrameRow(f"step_{number}", "shop.pay", "pay.py", number, number < 3, "charge(order)")
    for number in range(8)
)
_CAUSE = problems.ExceptionBlock("HttpException", "HTTP 500", None, _FRAMES[:1])


def error(**changes) -> problems.ErrorRow:
    """Make an error of the app with a cause."""
    row = problems.ErrorRow(
        event_id=EventId("678ab027ca244864a909028a574bd4f5"),
        at_ms=44_500,
        at=NOW,
        source="app",
        kind="error",
        title="PaymentException",
        value="Payment of 46.80 failed",
        culprit="PaymentClient in charge",
        level="error",
        handled=True,
        project_name="Cartwheel Android",
        linked_by="replay",
        exceptions=(
            problems.ExceptionBlock("PaymentException", "failed", "generic", _FRAMES),
            _CAUSE,
        ),
        sent_exceptions=(_CAUSE,),
        missing_files=2,
        trace_id=TRACE,
        release="com.cartwheel@4.2.1",
        environment="production",
    )
    return replace(row, **changes)


ERRORS = (
    error(),
    error(event_id=EventId("4" * 32), source="backend", handled=False),
    error(event_id=EventId("5" * 32), kind="crash", level="fatal", handled=False),
    error(event_id=EventId("6" * 32), kind="message", level="info", at_ms=None, at=None, value=None,
          handled=None, exceptions=(), release=None, environment=None),
)  # fmt: skip

_PANEL = f"error-{error().event_id}"
ACTIVITY = (
    activity.ActivityRow(0, "app", "foreground", "app.foreground", "App in foreground"),
    activity.ActivityRow(300, "screen", "screen", "navigation", "Login", "from Home"),
    activity.ActivityRow(
        2100, "gesture", "tap", "ui.tap", "Tap on email", data=(activity.DataRow("view.id", "x"),)
    ),
    activity.ActivityRow(
        6900, "network", "network", "resource.http", "POST /pay", "500", "error", target="request-0"
    ),
    activity.ActivityRow(
        44_500, "error", "error", "app error", "PaymentException", target=_PANEL, source="app"
    ),
)


SET_UP = set_up.SetUpPage(
    PROJECT,
    "Cartwheel Android",
    DSN,
    snippets.write_app_snippets(DSN),
    snippets.write_service_snippets(DSN),
    write_build_snippets("https://replays.example.com", "cartwheel-android"),
    True,
    (
        set_up.SetUpCheck("done", "First segment received", ("At ", NOW), "/replays", "Replays"),
        set_up.SetUpCheck("waiting", "Video"),
        set_up.SetUpCheck("problem", "Requests to api.example lead to no backend", "None of 12."),
        set_up.SetUpCheck("note", "SDKs that record here", "sentry.java.android 8.53.0."),
    ),
)
WHY = why.WhyPage(
    REPLAY,
    f"replay {REPLAY}",
    (
        why.WhyFinding(
            "good", "It is here", "14 segments.", replay_urls.replay(PROJECT, REPLAY), "Open"
        ),
        why.WhyFinding("bad", "Deleted", ("On ", NOW, ", with 3 segments.")),
        why.WhyFinding("warn", "2 segments never arrived", "Number 1, 2."),
        why.WhyFinding("none", "1 error names it", "So the app did record."),
    ),
    checks=why_build.NEVER,
    projects=(("Cartwheel Android", list_urls.why_project(PROJECT)),),
)
SEGMENTS = (
    rows.SegmentRow(0, 0, "/r?t=0", 5000, 5, 51_000, 448, 960, "playable", None, "/0.mp4", NOW),
    rows.SegmentRow(1, 5000, "/r?t=5", 5000, None, None, None, None, "none", None, None, NOW),
    rows.SegmentRow(
        2, 9000, "/r?t=9", 5000, 5, 51_000, 448, 960, "faulty", "not H.264", "/2.mp4", NOW
    ),
    rows.SegmentRow(3, None, "", None, None, None, None, None, "missing", "never came", None, None),
)
DELETION = replay.Deletion(replay_urls.delete_replay(PROJECT, REPLAY), 3_355_443, 14, 62, 9, 1)
HEADER = replay.ReplayHeader(
    hand_on_href=replay_urls.hand_on(PROJECT, REPLAY),
    project_id=PROJECT,
    project_name="Cartwheel Android",
    project_href=project_urls.project(PROJECT),
    replay_id=REPLAY,
    href=replay_urls.replay(PROJECT, REPLAY),
    back_href="/replays?project=318",
    user="Ada Winter",
    started_at=NOW,
    duration_ms=66_000,
    chips=(Fact("Device", "Pixel 9", "/replays?q=1"), Fact("System", "Android 16")),
    app_errors=2,
    backend_errors=1,
    has_more_errors=True,
    end=Fact("Ended", "crashed", "/replays?q=end:crashed", "The app reported a crash."),
    has_crashed=True,
    is_late=False,
    seen_by=(rows.ViewerRow("Ana Silva", NOW), rows.ViewerRow("Ben Ito", NOW)),
    seen_by_total=2,
)
OPENING = replay.ReplayOpening(
    title="Ada Winter, 1:06",
    index_href=replay_urls.index(PROJECT, REPLAY),
    stream_href=replay_urls.stream(PROJECT, REPLAY),
    start_at_ms=44_000,
    has_pictures=True,
    is_awaited=False,
)
TOTALS = {
    "activity": f"{len(ACTIVITY)}", "network": f"{len(NETWORK)}", "errors": f"{len(ERRORS)}",
    "trace": "12,345", "logs": f"{len(LOGS)}", "segments": f"{len(SEGMENTS)}",
}  # fmt: skip
REPLAY_TOP = replay.ReplayTop(
    header=HEADER,
    state="playing",
    gestures_href=replay_urls.gestures(PROJECT, REPLAY),
    pictures_href=replay_urls.pictures(PROJECT, REPLAY),
    start_at_ms=44_000,
    size_px=(448, 960),
    deletion=DELETION,
)
REPLAY_PAGE = replay.ReplayPage(
    opening=OPENING,
    top=REPLAY_TOP,
    tab="errors",
    gaps=(rows.GapRow(29_000, 36_400, "app in background", "in background"),),
    screens=(ScreenSpan(300, 8000, "Login"), ScreenSpan(8000, 66_000, "Shop")),
    conditions=(DeviceCondition(29_000, 36_400, "background", "in background"),),
    activity=ACTIVITY,
    network=NETWORK,
    errors=ERRORS,
    traces=TRACES,
    logs=LOGS,
    filters=panel_filters.panel_filters(ACTIVITY, NETWORK, ERRORS, LOGS),
    har_href="/r/requests.har",
    totals=TOTALS,
    parts=part_samples.PARTS,
    missing_note="2 more segments never arrived: 7, 9.",
    segments=SEGMENTS,
    details=(
        FactGroup("Device", (Fact("Model", "Pixel 9", "/replays?q=1", "So it says."),)),
        FactGroup("Masking", (Fact("Text", "off"),), "Text is not masked.", ("Old SDK.",)),
    ),
    removals=privacy_samples.REMOVALS,
)
EMPTY_HEADER = replace(HEADER, user=None, end=None, duration_ms=3_600_000)
EMPTY_TOP = replace(REPLAY_TOP, header=EMPTY_HEADER, deletion=None, size_px=None, start_at_ms=0)
EMPTY_REPLAY_PAGE = replace(
    REPLAY_PAGE, top=EMPTY_TOP, gaps=(), screens=(), activity=(), network=(), errors=(),
    traces=(), logs=(), filters={}, segments=(), totals=dict.fromkeys(TOTALS, "0"), parts={},
    details=(), removals=(), missing_note=None, tab="activity",
)  # fmt: skip


def with_top(page: replay.ReplayPage, **changes: Any) -> replay.ReplayPage:
    """Change the upper part of a replay page."""
    return replace(page, top=replace(page.top, **changes))


_CARD = project.ProjectCard(PROJECT, "Shop", "/p", "/r", DSN, 12, NOW, "owner", "/k")
_SIGNED_IN = Chrome("Ana Silva", "/replays?project=318")
_ADMIN = replace(_SIGNED_IN, is_admin=True)
_ALERTS = (Alert("bad", "Full.", "Make room."), Alert("warn", "One.", "Look.", "/p", "P"))
_ALERTED = replace(_SIGNED_IN, alerts=_ALERTS)
_NOBODY = Chrome(None, "/sign-in", "dark")
_TOLD = replace(_SIGNED_IN, notice=Notice("Replay deleted."))


def _page(template: str, page: object, chrome: Chrome = _SIGNED_IN) -> Sample:
    return Sample(template, page, chrome)


def _deleted(**changes) -> state_pages.StatePage:
    page = state_pages.StatePage("deleted", REPLAY, "/replays", None, "Ana Silva", NOW, "by hand")
    return replace(page, **changes)


_SAMPLE_MODULES = (
    issue_samples, room_samples, retention_samples, erasure_samples,
    debug_file_samples, clip_samples, handover_samples, report_samples,
)  # fmt: skip
SAMPLES = {
    "privacy": _page("privacy/page.html", privacy_samples.PRIVACY_PAGE, _ADMIN),
    "privacy, empty": _page("privacy/page.html", privacy_samples.EMPTY_PRIVACY_PAGE, _ADMIN),
    "list": _page("replays/page.html", list_samples.LIST),
    "list, one project": _page(
        "replays/page.html",
        replace(list_samples.LIST, projects=(list_samples.APP,), total=None),
        _TOLD,
    ),
    "list, selected": _page(
        "replays/page.html", replace(list_samples.LIST, selected=list_samples.API)
    ),
    "list, empty": _page("replays/page.html", list_samples.LIST_EMPTY),
    "list, demo playing": _page("replays/page.html", list_samples.LIST_DEMO_PLAYING),
    "list, demo played": _page("replays/page.html", list_samples.LIST_DEMO_PLAYED),
    "list, no project": _page("replays/page.html", replay_list.ReplayListPage("empty", (), ())),
    "list, nothing matches": _page("replays/page.html", list_samples.LIST_NOTHING),
    "list, searched": _page("replays/page.html", list_samples.LIST_SEARCHED),
    "list, nothing found": _page(
        "replays/page.html",
        replace(list_samples.LIST_NOTHING, search=list_samples.SEARCH, selected=None),
    ),
    "list, nothing so far": _page(
        "replays/page.html", replace(list_samples.LIST_SEARCHED, state="nothing_matches", rows=())
    ),
    "list, no such query": _page("replays/page.html", list_samples.LIST_PROBLEM),
    "delete several": _page(
        "replays/delete.html",
        replay_list.DeleteReplaysPage(
            (list_samples.replay_row(), list_samples.BARE_ROW),
            list_urls.DELETE_SELECTED,
            "/replays?query=x",
            7_340_032,
            28,
        ),
    ),
    "replay": _page("replay/page.html", REPLAY_PAGE),
    "replay, landscape": _page(
        "replay/page.html", with_top(REPLAY_PAGE, size_px=(960, 448)), _TOLD
    ),
    "replay, live": _page("replay/page.html", with_top(REPLAY_PAGE, state="live")),
    "replay, empty": _page("replay/page.html", EMPTY_REPLAY_PAGE),
    "replay, processing": _page(
        "replay/page.html", with_top(EMPTY_REPLAY_PAGE, state="processing")
    ),
    "replay, too large": _page(
        "replay/page.html",
        replace(
            REPLAY_PAGE,
            recording_part=part_samples.RECORDING_PART,
            from_segment=7,
            most_traces=1_000,
            parts={},
        ),
    ),
    **{
        f"replay, {panel} read on": _page("replay/part.html", part)
        for panel, part in part_samples.pages(ACTIVITY, ERRORS, TRACES).items()
    },
    **{k: _page(*page, _NOBODY) for k, page in share_samples.pages(REPLAY_PAGE).items()},
    "replay, no video": _page("replay/page.html", with_top(REPLAY_PAGE, state="no_video")),
    "trace": _page("trace/page.html", TRACE_PAGE),
    "trace, the rest": _page(
        "trace/page.html",
        replace(TRACE_PAGE, trace=replace(TRACES[0], spans=(trace_span(9, 1),), more_href=None)),
    ),
    "span": _page(
        "trace/span.html", trace_rows.SpanPage("/trace", SpanId("0" * 15 + "1"), (("rows", "<7>"),))
    ),
    "span, silent": _page(
        "trace/span.html", trace_rows.SpanPage("/trace", SpanId("0" * 15 + "1"), ())
    ),
    "request": _page(
        "replay/request.html", replay.RequestPage("Ada", NETWORK[0], DETAILS, "/r?tab=network")
    ),
    "request, bare": _page(
        "replay/request.html", replay.RequestPage(None, NETWORK[1], BARE_DETAILS, "/r?tab=network")
    ),
    "why": _page("why/page.html", why.WhyPage("")),
    "why, known": _page("why/page.html", WHY),
    "why, no id": _page("why/page.html", why.WhyPage("x", problem="An id has 32 hex digits.")),
    "delete": _page("replay/delete.html", replay.DeleteReplayPage(HEADER, DELETION)),
    "set-up": _page("set_up/page.html", SET_UP),
    "set-up, no key": _page("set_up/page.html", replace(SET_UP, dsn=None, apps=(), services=())),
    "projects": _page(
        "project/list.html",
        project.ProjectsPage(
            (_CARD, replace(_CARD, dsn=None, last_received_at=None)), (), may_create=True
        ),
    ),
    "projects, first": _page("project/list.html", project.ProjectsPage((), (), may_create=True)),
    "projects, none": _page("project/list.html", project.ProjectsPage((), (), may_create=False)),
    "new project": _page("project/new.html", project.NewProjectPage("x", "Too long.")),
    "project": _page("project/page.html", PROJECT_PAGE),
    "project, server in trouble": _page("project/page.html", PROJECT_PAGE, _ALERTED),
    "project, full": _page(
        "project/page.html",
        replace(PROJECT_PAGE, storage=retention_samples.FULL_STORAGE, quarantine=()),
    ),
    "project, bare": _page(
        "project/page.html",
        replace(
            PROJECT_PAGE,
            dsn=None,
            keys=(),
            outcomes=outcomes.summarize_outcomes([]),
            storage=retention_samples.NO_STORAGE,
            members=(),
            quarantined=0,
            quarantine=(),
            has_replays=False,
        ),
    ),
    "sign in": _page(
        "account/sign_in.html", account.SignInPage("a@b.example", "Wrong.", "/replays"), _NOBODY
    ),
    "link": _page("account/link.html", account.LinkPage("/link/x", "a@b.example", NOW), _NOBODY),
    "set password": _page(
        "account/set_password.html", account.SetPasswordPage("a@b.example", 12), _NOBODY
    ),
    "account": _page("account/page.html", server_samples.ACCOUNT),
    "account, no password": _page(
        "account/page.html", replace(server_samples.ACCOUNT, has_password=False, problem=None)
    ),
    "deleted": _page("state/replay.html", _deleted()),
    "deleted, by nobody": _page("state/replay.html", _deleted(deleted_by=None)),
    "not found": _page("state/replay.html", _deleted(kind="not_found")),
    "not found, losses": _page(
        "state/replay.html",
        _deleted(kind="not_found", losses="3 limited", losses_href="/p", retry_href="/x"),
    ),
    "expired": _page("state/replay.html", _deleted(kind="expired", rule="30 days")),
    "error": _page("state/error.html", state_pages.ErrorPage(500, "Broken", "Again.", "7f3a91c2")),
    **{
        name: _page(template, page)
        for samples in _SAMPLE_MODULES
        for name, (template, page) in samples.PAGES.items()
    },
    **{
        name: _page(template, page, _ADMIN)
        for samples in (alert_samples, server_samples)
        for name, (template, page) in samples.PAGES.items()
    },
}
