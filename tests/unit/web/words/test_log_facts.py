"""Lines of the log read as sentences, and name who acted without an account."""

import pytest

from app.administration.audit_log.read_log import LogNames, LogPart, LogQuery
from app.audit.log_queries import LogEntry
from app.audit.model import Action, ActionDetail
from app.core import clock
from app.core.ids import ProjectId
from app.db.lists import ListPage
from app.web.log.build import build_log_page
from app.web.log.words import describe_facts


def test_facts_that_are_empty_are_left_out():
    """Neither None nor an empty text tells a reader anything."""
    detail = {"keep_days": 30, "limit_bytes": None, "frames": "", "part": True, "bodies": False}
    words = describe_facts(detail)
    assert words == "keep days: 30, only a part of it: yes, bodies of requests: no"


@pytest.mark.parametrize(
    ("action", "subject", "detail", "name"),
    [
        (Action.SHARE_VIEWED, None, {"share": 1, "address": "::1"}, "Somebody with a link"),
        (Action.RELEASE_ADDED, "my@1", {"token": "CI"}, "Token CI"),
        (Action.TOKEN_USED, "1", {"name": "CI", "address": "::1"}, "Token CI"),
        (Action.DEBUG_FILES_UPLOADED, "1", {"files": 2}, "An API token"),
        (Action.DAY_EXPIRED, None, {}, "Playhead"),
    ],
)
def test_who_acts_without_an_account_is_named(
    action: Action, subject: str | None, detail: ActionDetail, name: str
):
    """A stranger and a token are not the program itself."""
    entry = LogEntry(clock.now(), 1, None, action, ProjectId(1), subject, detail)
    part = LogPart(ListPage((entry,), None, None), LogNames({}, {}))
    page = build_log_page(part, LogQuery(), project=None)
    assert page.rows[0].person.text == name
