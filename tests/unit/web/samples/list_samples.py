"""Made-up lists of replays in every state."""

from dataclasses import replace
from datetime import timedelta

from app.core.ids import ProjectId
from app.replays.search import query_language
from app.replays.search.orders import LONGEST, NEWEST
from app.web.replays import page, search_bar
from app.web.replays.columns import COLUMNS
from app.web.urls import replay_urls
from app.web.words.lists import ProjectOption, describe_heads
from app.web.words.replay.replay_rows import ReplayRow, RowMark
from tests.unit.web.samples.made_up import DSN, NOW, PROJECT, REPLAY


def replay_row(**changes) -> ReplayRow:
    """Make a row of the list."""
    row = ReplayRow(
        project_id=PROJECT,
        project_name="Cartwheel Android",
        replay_id=REPLAY,
        href=replay_urls.replay(PROJECT, REPLAY),
        user="Ada Winter",
        started_at=NOW - timedelta(hours=2),
        duration_ms=66_000,
        device="Pixel 9 Pro",
        os="Android 16",
        app="4.2.1 (871)",
        screens=("Login", "Catalog", "Product", "Cart", "Checkout"),
        app_errors=1,
        backend_errors=2,
        has_more_errors=False,
        failed_requests=3,
        segments=14,
        has_video=True,
        end="closed",
        has_crashed=False,
        is_live=False,
        is_late=False,
        size_bytes=812_345,
        is_seen=False,
        marks=(
            RowMark("12.5%", "app", "app"),
            RowMark("99%", "app", "crash"),
        ),
    )
    return replace(row, **changes)


BARE_ROW = replay_row(
    user=None, device=None, os=None, app=None, screens=(), app_errors=0, backend_errors=0,
    failed_requests=0, has_video=False, end=None, size_bytes=0, is_seen=True,
)  # fmt: skip

APP = ProjectOption(PROJECT, "Cartwheel Android")
API = ProjectOption(ProjectId(201), "Cartwheel API", is_selected=True)
LIST = page.ReplayListPage(
    "rows",
    (
        replay_row(),
        replay_row(is_live=True),
        replay_row(is_live=True, is_late=True),
        replay_row(has_crashed=True, end="crashed"),
        BARE_ROW,
    ),
    (APP, API),
    heads=describe_heads(COLUMNS, NEWEST, lambda order: f"/replays?sort={order.name}"),
    total=1204,
    back_href="/replays?before=1",
    next_href="/replays?after=1",
    may_delete=True,
    news=page.NewReplays("/replays/new?since=1", "/replays", are_on_top=True),
)
LIST_EMPTY = page.ReplayListPage(
    "empty", (), (APP,), demo_href="/demo", dsn=DSN, setup_href="/projects/318#set-up",
    news=LIST.news,
)  # fmt: skip
AWAITED = page.AwaitedReplay(
    f"{PROJECT}/{REPLAY}", replay_urls.replay(PROJECT, REPLAY), has_arrived=False
)
SEARCH = search_bar.describe_search(
    search_bar.ListAddress(PROJECT, "pixel !plan:pro", LONGEST),
    query_language.read_query("pixel !plan:pro"),
)
LIST_SEARCHED = replace(
    LIST, search=SEARCH, total=None, may_delete=False, further_href="/replays?after=9",
    reach=page.SearchReach("back to", "", "Older ones", at=NOW),
)  # fmt: skip
LIST_PROBLEM = replace(
    LIST, state="problem", rows=(), total=None, back_href=None, next_href=None,
    search=search_bar.describe_search(
        search_bar.ListAddress(None, "("), None, problem="The bracket is never closed."
    ),
)  # fmt: skip
LIST_NOTHING = page.ReplayListPage(
    "nothing_matches", (), (APP, API), selected=API, setup_href="/projects/201#set-up",
    news=LIST.news,
)  # fmt: skip
LIST_DEMO_PLAYING = replace(LIST_EMPTY, awaited=AWAITED, dsn_project="Cartwheel Android")
LIST_DEMO_PLAYED = replace(LIST, awaited=replace(AWAITED, has_arrived=True))
