"""Tests of prefilled tickets: their addresses, their wording, and how they are cut."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings, strategies

from app.administration.projects.project_trackers import read_tracker_form
from app.core.errors import InvalidInput
from app.projects.trackers import TrackerKind, TrackerSettings
from app.reports.steps.model import ReproSteps, ScreenStep, StepTarget, TouchStep
from app.reports.tickets.templates import (
    DEFAULT_BODY,
    DEFAULT_TITLE,
    PLACEHOLDERS,
    check_template,
    fill_body,
    fill_title,
)
from app.reports.tickets.trackers import (
    LONGEST_BYTES,
    TAKES_MARKDOWN,
    read_tracker_address,
    write_bounded_link,
    write_ticket_link,
)
from tests.unit.reports.test_markdown import BASE, HOSTILE, issue, report, strip_code

WHOLE = f"{BASE}/report"
ADDRESSES = {
    TrackerKind.GITHUB: "https://github.com/acme/shop",
    TrackerKind.GITLAB: "https://gitlab.example/acme/apps/shop",
    TrackerKind.JIRA: "https://acme.atlassian.net",
    TrackerKind.LINEAR: "https://linear.app/acme/team/ENG",
}
FIELDS = {
    TrackerKind.GITHUB: ("title", "body"),
    TrackerKind.GITLAB: ("issue[title]", "issue[description]"),
    TrackerKind.JIRA: ("summary", "description"),
    TrackerKind.LINEAR: ("title", "description"),
}


def tracker(kind: TrackerKind, *, name: str = "") -> TrackerSettings:
    """Make a tracker of a kind."""
    is_jira = kind is TrackerKind.JIRA
    return TrackerSettings(
        kind,
        name or kind.value,
        ADDRESSES[kind],
        DEFAULT_TITLE,
        DEFAULT_BODY,
        jira_project="10000" if is_jira else "",
        jira_type="10004" if is_jira else "",
    )


def read_fields(link: str, kind: TrackerKind) -> tuple[str, str]:
    """Read the title and the body that a link fills in."""
    query = parse_qs(urlsplit(link).query, keep_blank_values=True)
    title, body = FIELDS[kind]
    return query[title][0], query[body][0]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (TrackerKind.GITHUB, "https://github.com/acme/shop/issues/new?"),
        (TrackerKind.GITLAB, "https://gitlab.example/acme/apps/shop/-/issues/new?"),
        (TrackerKind.JIRA,
         ("https://acme.atlassian.net/secure/CreateIssueDetails!init.jspa?"
         "pid=10000&issuetype=10004&")),
        (TrackerKind.LINEAR, "https://linear.app/acme/team/ENG/new?"),
    ],
)  # fmt: skip
def test_a_link_fills_in_title_and_body(kind, path):
    """Each tracker has its own address and its own names of fields."""
    link = write_ticket_link(tracker(kind), "It fails & ends #1", "One\ntwo + 100 % ü")
    assert link.startswith(path)
    assert read_fields(link, kind) == ("It fails & ends #1", "One\ntwo + 100 % ü")
    assert "+" not in link


@pytest.mark.parametrize(
    ("kind", "text", "address"),
    [
        (TrackerKind.GITHUB, "https://github.com/acme/shop/", "https://github.com/acme/shop"),
        (TrackerKind.GITHUB, " https://GitHub.com/acme/shop?x#y ", "https://github.com/acme/shop"),
        (TrackerKind.GITLAB, "https://git.lan:8443/a/b/c", "https://git.lan:8443/a/b/c"),
        (TrackerKind.JIRA, "http://jira.lan/jira/", "http://jira.lan/jira"),
        (TrackerKind.LINEAR, "https://linear.app", "https://linear.app"),
        (TrackerKind.LINEAR, "https://linear.app/team/ENG", "https://linear.app/team/ENG"),
    ],
)
def test_an_address_of_a_tracker_is_put_in_order(kind, text, address):
    """Slashes, queries and fragments that people paste along go."""
    assert read_tracker_address(kind, text) == address


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (TrackerKind.GITHUB, ""),
        (TrackerKind.GITHUB, "github.com/acme/shop"),
        (TrackerKind.GITHUB, "https://github.com/acme"),
        (TrackerKind.GITHUB, "https://github.com/acme/../shop"),
        (TrackerKind.GITHUB, "javascript://github.com/acme/shop"),
        (TrackerKind.GITHUB, "https://u:p@github.com/acme/shop"),
        (TrackerKind.GITHUB, "https://github.com/ac me/shop"),
        (TrackerKind.GITHUB, "https://[x/acme/shop"),
        (TrackerKind.GITLAB, "https://gitlab.example/acme/shop/-/issues"),
        (TrackerKind.LINEAR, "https://linear.example/team/ENG"),
        (TrackerKind.LINEAR, "https://linear.app/acme/issue/ENG-1"),
        (TrackerKind.JIRA, "https://jira.example/" + "x" * 300),
    ],
)
def test_what_is_no_address_of_a_tracker_is_refused_with_an_example(kind, text):
    """The message shows how an address looks."""
    with pytest.raises(InvalidInput, match="https://"):
        read_tracker_address(kind, text)


@given(strategies.sampled_from(TrackerKind), strategies.text())
def test_any_text_is_an_address_of_a_tracker_or_refused(kind, text):
    """A form may hold anything."""
    try:
        address = read_tracker_address(kind, text)
    except InvalidInput:
        return
    assert urlsplit(address).scheme in {"http", "https"}


@pytest.mark.parametrize("kind", TrackerKind)
@pytest.mark.parametrize("made", [report(), issue(), report(problems=()), issue(problem=None)])
def test_the_usual_wording_says_what_happened_and_where(kind, made):
    """Title, link, steps and error stand in every ticket, and names in braces in none."""
    link, is_cut = write_bounded_link(
        tracker(kind),
        fill_title(DEFAULT_TITLE, made),
        fill_body(DEFAULT_BODY, made, kind),
        whole_url=WHOLE,
    )
    title, body = read_fields(link, kind)
    assert not is_cut
    assert title.startswith("Crash: payment failed")
    assert made.url in body
    assert "payment failed" in body
    assert not any(f"{{{name}}}" in body for name in PLACEHOLDERS)
    assert ("{noformat}" in body) == (kind is TrackerKind.JIRA)
    assert body.count("```") % 2 == 0


def count_fences(body: str, kind: TrackerKind) -> int:
    """Return how many lines of a body open or close a block of code in the tracker's markup."""
    fence = "```" if kind in TAKES_MARKDOWN else "{noformat}"
    return sum(line.strip() == fence for line in body.splitlines())


@pytest.mark.parametrize("kind", TrackerKind)
@pytest.mark.parametrize("text", ["x" * 110, "ü" * 110, "😀 " * 50])
def test_a_long_report_is_cut_where_a_line_ends_and_says_so(kind, text):
    """No address is longer than its tracker takes, whatever the report holds."""
    taps = tuple(
        TouchStep(number, "tap", StepTarget(view_id=f"{number}{text}"), None, screen=text)
        for number in range(60)
    )
    long_report = report(text, steps=ReproSteps((ScreenStep(0, text), *taps), "android", None))
    body = fill_body("{error}\n\n{steps}\n\n{report}", long_report, kind)
    link, is_cut = write_bounded_link(
        tracker(kind), fill_title("{title}", long_report), body, whole_url=WHOLE
    )
    assert is_cut
    assert len(link) <= LONGEST_BYTES[kind]
    _, cut = read_fields(link, kind)
    kept, _, ending = cut.rpartition("\n\n(Cut to fit into an address. The whole report: ")
    assert ending == f"{WHOLE})"
    assert body.startswith(kept.removesuffix("\n```").removesuffix("\n{noformat}"))
    assert count_fences(cut, kind) % 2 == 0


@pytest.mark.parametrize("kind", TrackerKind)
def test_a_fence_of_another_markup_does_not_hide_an_open_block(kind):
    """A recorded text may look like the fence of Markdown in a ticket of Jira, and vice versa."""
    own, other = ("```", "{noformat}") if kind in TAKES_MARKDOWN else ("{noformat}", "```")
    body = "\n".join([own, other, *["frame"] * 2_000, own])
    link, is_cut = write_bounded_link(tracker(kind), "t", body, whole_url=WHOLE)
    assert is_cut
    assert count_fences(read_fields(link, kind)[1], kind) == 2


def test_a_single_line_that_is_too_long_leaves_the_link():
    """Even then the ticket leads to everything."""
    settings_of_jira = tracker(TrackerKind.JIRA)
    link, is_cut = write_bounded_link(settings_of_jira, "t" * 999, "x" * 9_000, whole_url=WHOLE)
    assert is_cut
    assert len(link) <= LONGEST_BYTES[TrackerKind.JIRA]
    title, body = read_fields(link, TrackerKind.JIRA)
    assert len(title) == 240
    assert body.strip() == f"(Cut to fit into an address. The whole report: {WHOLE})"


@settings(max_examples=30)
@given(text=strategies.text(strategies.characters(codec="utf-8"), min_size=1))
def test_no_text_leaves_its_place_in_a_ticket(text):
    """Whatever was recorded, a ticket has the same markup as for a harmless text."""
    check_ticket(text)


@pytest.mark.parametrize("text", [*HOSTILE, "{steps}", "{noformat}\n!https://evil/x.png!"])
def test_hostile_texts_stay_in_their_place_in_a_ticket(text):
    """Names in braces are not filled in twice, and Jira's blocks are not ended."""
    check_ticket(text)


def check_ticket(text: str) -> None:
    """Check the bodies of tickets against those with a harmless text."""
    template = "{title} {device} {app} {environment} {project}\n{error}\n{steps}"
    for made, plain in ((report(text), report("x")), (issue(text), issue("x"))):
        body = fill_body(template, made, TrackerKind.GITHUB)
        assert strip_code(body) == strip_code(fill_body(template, plain, TrackerKind.GITHUB))
        wiki = fill_body(template, made, TrackerKind.JIRA)
        assert wiki.count("{noformat}") == 4
        outside = "".join(wiki.split("{noformat}")[::2])
        assert not any(mark in outside for mark in "{}[]|!\\")
        assert len(fill_title("{title}", made).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [(" ", "cannot be empty"), ("x" * 2_001, "2,000 characters"), ("{link} {linc}", "{linc}")],
)
def test_a_template_that_cannot_be_filled_in_is_refused(text, problem):
    """A wrong name is found when it is saved, and not in a ticket."""
    with pytest.raises(InvalidInput, match=problem):
        check_template(text, name="text")


def test_a_form_of_a_tracker_has_usual_values():
    """Kind and address are enough, except for Jira, which wants two numbers."""
    tracker_form = read_tracker_form({"kind": "github", "address": ADDRESSES[TrackerKind.GITHUB]})
    assert tracker_form == tracker(TrackerKind.GITHUB, name="GitHub")
    jira = {"kind": "jira", "address": ADDRESSES[TrackerKind.JIRA]}
    with pytest.raises(InvalidInput, match="number"):
        read_tracker_form(jira)
    numbers = {"jira_project": " 10000 ", "jira_type": "10004", "name": "Support"}
    assert read_tracker_form(jira | numbers) == tracker(TrackerKind.JIRA, name="Support")
    with pytest.raises(InvalidInput, match="kind"):
        read_tracker_form({"kind": "trello"})
    with pytest.raises(InvalidInput, match="60 characters"):
        read_tracker_form(jira | numbers | {"name": "x" * 61})
