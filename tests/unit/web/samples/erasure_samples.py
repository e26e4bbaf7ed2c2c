"""Made-up pages about erasing: forms, questions, progress and receipts."""

from dataclasses import replace
from typing import Final

from app.core.ids import ProjectId
from app.web.erasures import page as erasures
from app.web.words.parts import ListPart
from tests.unit.web.samples.made_up import NOW, REPLAY

_COUNTS: Final = ("5 replays", "12 segments", "40 errors and messages", "1 piece of feedback")
_ROWS: Final = tuple(
    erasures.ErasureRow(f"/erasures/{number}", what, "Shop app", NOW, "Ada", state, tone)
    for number, (what, state, tone) in enumerate(
        (
            ("A person, by user id, e-mail address and IP address", "Running", "live"),
            ("Replay 0af7651916cd43dd8448eb211c80319c", "Finished", "good"),
            ("1,204 replays", "Blocked", "bad"),
            ("The whole project", "Waiting", None),
        ),
        start=7,
    )
)
_LIST: Final = erasures.ErasuresPage(_ROWS, "/erasures?before=7")
_FORMS: Final = replace(
    _LIST,
    project_id=ProjectId(318),
    project_name="Shop app",
    other_projects=2,
    may_delete_project=True,
    kinds=(("id", "user id"), ("email", "e-mail address"), ("ip_address", "IP address")),
)
_NAMES: Final = (
    erasures.NameChoice(
        "email:ada@example.org", "e-mail address", "ada@example.org", True, False, True
    ),
    erasures.NameChoice("id:42", "user id", "42", True, False, False),
    erasures.NameChoice("ip_address:203.0.113.7", "IP address", "203.0.113.7", False, True, True),
)
_PERSON: Final = erasures.PersonQuestionPage(
    ProjectId(318), "Shop app", "ada@example.org", _NAMES, _COUNTS, False, 2, 3, True
)
_RANGE: Final = erasures.RangeQuestionPage(
    ProjectId(318), "Shop app", NOW, NOW, ("replays", "logs"), "replays and logs", _COUNTS, 1
)
_PROJECT: Final = erasures.ProjectQuestionPage(
    ProjectId(318), "Shop app", _COUNTS, 1, 4, "Type the name of the project."
)
_MATCHING: Final = erasures.MatchingQuestionPage(
    20_000, 20_000, True, 4_000_000_000, 90_000, 3, "user.id:42", "318", NOW.isoformat(), "/replays"
)
_HOLDS: Final = (
    erasures.KeptByHoldRow(REPLAY, "Case 4", "a claim about a refund", NOW, None),
    erasures.KeptByHoldRow("b" * 32, "Case 5", "a long reason " * 12, NOW, NOW),
)
_RUNNING: Final = erasures.ErasurePage(
    id=7,
    what="A person, by user id and e-mail address",
    project="Shop app",
    state="blocked",
    state_text="Blocked",
    tone="bad",
    is_over=False,
    problem="The bucket does not answer.",
    requested_at=NOW,
    by="Ada",
    covers_until=None,
    verified_at=None,
    counts=_COUNTS,
    size_bytes=123_456_789,
    steps=(
        ("Remove segments, recordings and pictures", "done"),
        ("Look through all other records", "now"),
        ("Remove stored objects, and verify that nothing is left", "later"),
    ),
    receipt_href="/erasures/7/receipt.json",
    unreachable=(
        erasures.UnreachableRow("door-3.example.org", NOW, 1_204),
        erasures.UnreachableRow("x" * 90, NOW, 0),
    ),
    holds=_HOLDS,
    holds_part=ListPart("1 to 2 of 3 held replays", "/erasures/7?holds=2", "Next held replay"),
    siblings=(erasures.SiblingRow("/erasures/8", "Backend", "Running"),),
)
_RECEIPT: Final = replace(
    _RUNNING,
    state="finished",
    state_text="Finished",
    tone="good",
    is_over=True,
    problem=None,
    covers_until=NOW,
    verified_at=NOW,
    steps=(),
)

PAGES: Final[dict[str, tuple[str, object]]] = {
    "erasures": ("erasures/list.html", _LIST),
    "erasures, none": ("erasures/list.html", erasures.ErasuresPage((), None)),
    "erase data": ("erasures/project.html", _FORMS),
    "erase data, wrong name": (
        "erasures/project.html",
        replace(_FORMS, rows=(), problem="That is not an e-mail address.", problem_part="person"),
    ),
    "erase data, wrong range": (
        "erasures/project.html",
        replace(
            _FORMS,
            other_projects=0,
            may_delete_project=False,
            problem="The range must end after it begins.",
            problem_part="range",
        ),
    ),
    "erase person": ("erasures/person.html", _PERSON),
    "erase person, nothing": (
        "erasures/person.html",
        replace(
            _PERSON, names=_NAMES[:1], counts=(), is_complete=True, held=0, projects=1, in_all=False
        ),
    ),
    "erase range": ("erasures/range.html", _RANGE),
    "erase project": ("erasures/whole.html", _PROJECT),
    "delete all that match": ("erasures/matching.html", _MATCHING),
    "delete all that match, none": (
        "erasures/matching.html",
        replace(_MATCHING, replays=0, is_more=False, query_text="", held=0),
    ),
    "erasure": ("erasures/erasure.html", _RUNNING),
    "erasure, receipt": ("erasures/erasure.html", _RECEIPT),
    "erasure, bare receipt": (
        "erasures/erasure.html",
        replace(_RECEIPT, counts=(), holds=(), holds_part=None, siblings=(), covers_until=None),
    ),
}
"""A template and its value by the name of the sample."""
