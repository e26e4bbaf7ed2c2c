"""Tests of reading a list page by page."""

import pytest

from app.db.lists import ListCursor, PageRequest, RowRun, cut_run, read_page

ROWS = 7


async def read_run(cursor: ListCursor | None, *, is_backward: bool, limit: int) -> RowRun[int]:
    """Read numbers from 1 to `ROWS`, forward or backward from a cursor."""
    numbers = range(ROWS, 0, -1) if is_backward else range(1, ROWS + 1)
    at = cursor[0] if cursor else None
    rows = [n for n in numbers if at is None or (n < at if is_backward else n > at)]  # type: ignore[operator]  # all are numbers
    return cut_run(rows[: limit + 1], limit)


async def page_of(
    request: PageRequest,
) -> tuple[tuple[int, ...], ListCursor | None, ListCursor | None]:
    """Read a page of three, and the cursors of the pages beside it."""
    page = await read_page(request, read_run, key_of=lambda number: (number,), limit=3)
    return page.rows, page.back, page.next


@pytest.mark.parametrize(
    ("request_", "rows", "back", "next_"),
    [
        (PageRequest(), (1, 2, 3), None, (3,)),
        (PageRequest(after=(3,)), (4, 5, 6), (4,), (6,)),
        (PageRequest(after=(6,)), (7,), (7,), None),
        (PageRequest(before=(7,)), (4, 5, 6), (4,), (6,)),
        (PageRequest(before=(4,)), (1, 2, 3), None, (3,)),
        # A page before a cursor that would not be full is the first one.
        (PageRequest(before=(3,)), (1, 2, 3), None, (3,)),
        (PageRequest(after=(7,)), (), (7,), None),
    ],
)  # fmt: skip
async def test_pages_lead_on_and_back(request_: PageRequest, rows, back, next_):
    """Each page but the last is full and names the pages beside it; an empty one leads back."""
    assert await page_of(request_) == (rows, back, next_)


async def test_a_search_that_stopped_says_where():
    """The page hands the place on, so that a link can go on there."""

    async def stop_early(
        cursor: ListCursor | None, *, is_backward: bool, limit: int
    ) -> RowRun[int]:
        assert (cursor, is_backward) == (None, False)
        return RowRun((1, 2), has_more=False, stopped_at=(5,))

    page = await read_page(PageRequest(), stop_early, key_of=lambda number: (number,), limit=3)
    assert (page.rows, page.next, page.stopped_at) == ((1, 2), None, (5,))
