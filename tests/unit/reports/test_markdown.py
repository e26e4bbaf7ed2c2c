"""Tests of reports as Markdown: what they hold, how long they are, and what no text may do."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies

from app.core.ids import EventId, IssueId, ProjectId, ReplayId
from app.core.replay.replay_range import ReplayRange
from app.playback.recording.conditions import DeviceCondition
from app.reports.files import ReportFile, list_report_files, write_report_file
from app.reports.flows.model import FlowFacts
from app.reports.markdown import MOST_CHARS, write_issue_report, write_replay_report
from app.reports.model import (
    IssueReport,
    ReplayReport,
    ReportAddresses,
    ReportProblem,
    ReportRequest,
)
from app.reports.problems import find_problem_kind, merge_repeated
from app.reports.steps.model import (
    Platform,
    ProblemStep,
    ReproSteps,
    RequestStep,
    ScreenPlace,
    ScreenStep,
    StepTarget,
    TouchStep,
)

PROJECT, REPLAY = ProjectId(7), ReplayId("a" * 32)
ISSUE, EVENT = IssueId("b" * 32), EventId("c" * 32)
ADDRESSES = ReportAddresses(
    "https://replays.example",
    lambda project_id, replay_id, at_ms, _marked: f"/p/{project_id}/r/{replay_id}?t={at_ms}",
    lambda project_id, replay_id: f"/p/{project_id}/r/{replay_id}/poster",
    lambda project_id, replay_id, at_ms: f"/p/{project_id}/r/{replay_id}/picture?t={at_ms}",
    lambda project_id, issue_id: f"/p/{project_id}/i/{issue_id}",
    lambda project_id, issue_id, event_id: f"/p/{project_id}/i/{issue_id}/e/{event_id}",
)
BASE = f"https://replays.example/p/7/r/{REPLAY}"
LINK = re.compile(r"\[[\w: ,]+\]\(https://replays\.example/[\w/?=.]+\)")
CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
HOSTILE = (
    "@everyone", "[x](https://evil.example)", "![x](https://evil.example/p.png)", "<img src=x>",
    "`", "``` \n# x", "a\n\n# b", "#1", "https://evil.example", "| a | b |", "\\`", "*b*", "~~~",
    "&lt;", "\u202egnp", "\u2028- x",
)  # fmt: skip


def problem(text: str = "payment failed", **changes) -> ReportProblem:
    """Make a crash of the app."""
    made = ReportProblem(
        at_ms=4_250, kind="crash", side="app", title=text, text=text, culprit=text,
        project_name=text, release=text, frames=(text, "Cart.pay (Cart.kt:41)"), event_id=EVENT,
        url=ADDRESSES.event(PROJECT, ISSUE, EVENT),
    )  # fmt: skip
    return replace(made, **changes)


def steps(text: str = "btn_pay") -> ReproSteps:
    """Make steps in which every text is the same."""
    return ReproSteps(
        (
            ScreenStep(0, text),
            TouchStep(1_000, "tap", StepTarget(view_id=text), ScreenPlace(50, 50), screen="Cart"),
            TouchStep(1_200, "tap", StepTarget(view_class=text, action=text), None, screen="Cart"),
            RequestStep(1_500, "POST", text, 500, 2_200, has_failed=True),
            ProblemStep(4_250, "crash", "app", text, text, EVENT),
        ),
        "android",
        start_screen=text,
    )


def report(text: str = "payment failed", **changes) -> ReplayReport:
    """Make the report of a replay in which every recorded text is the same."""
    report_of_text = ReplayReport(
        project_id=PROJECT,
        replay_id=REPLAY,
        project_name=text,
        facts=(("Device", text), ("App", text)),
        recorded_at=datetime(2026, 11, 24, 14, 3, tzinfo=UTC),
        duration_ms=53_000,
        within=None,
        steps=steps(text),
        problems=(problem(text), problem(text, at_ms=None, side="backend", url=None, frames=())),
        more_problems=2,
        requests=(ReportRequest(1_500, "POST", text, 500, 2_200, has_failed=True),
                  ReportRequest(2_500, "GET", text, None, None, has_failed=False)),
        more_requests=3,
        conditions=(DeviceCondition(1_000, 9_000, "offline", "offline"),),
        feedback=(text,),
        remarks=("2 parts of the recording never arrived, so steps may be missing.",),
        has_poster=True,
        has_moments=False,
        flow_facts=FlowFacts(text, text, "sentry.java.android", f"{BASE}?t=0"),
        addresses=ADDRESSES,
    )  # fmt: skip
    return replace(report_of_text, **changes)


def test_the_picture_of_a_range_shows_its_first_error():
    """Without an error in the range, it shows where the range begins."""
    part = report(within=ReplayRange(1_000, 9_000))
    assert f"[Picture]({BASE}/picture?t={part.problems[0].at_ms})" in write_replay_report(part)
    part = report(within=ReplayRange(1_000, 9_000), problems=())
    assert f"[Picture]({BASE}/picture?t=1000)" in write_replay_report(part)
    fresh = replace(part, has_poster=False)
    assert "[Picture]" not in write_replay_report(fresh)
    assert "[Picture]" in write_replay_report(replace(fresh, has_moments=True))
    whole = replace(fresh, within=None, has_moments=True)
    assert "[Picture]" not in write_replay_report(whole)


def issue(text: str = "payment failed", **changes) -> IssueReport:
    """Make the report of an issue in which every recorded text is the same."""
    report_of_text = IssueReport(
        project_id=PROJECT,
        issue_id=ISSUE,
        project_name=text,
        title=text,
        kind="crash",
        side="app",
        culprit=text,
        counts=(("Events", "1,211"), ("First seen", text)),
        facts=(("Release", text),),
        problem=problem(text),
        message=text,
        steps=steps(text),
        steps_are_of_event=False,
        replay_url=f"{BASE}?t=0",
        moment=lambda at_ms: f"{BASE}?t={at_ms}",
        flow_facts=FlowFacts(text, None, "", f"{BASE}?t=0"),
        remarks=(),
        addresses=ADDRESSES,
    )
    return replace(report_of_text, **changes)


def test_a_report_tells_the_story_of_a_replay():
    """Everything that somebody needs who has never seen the replay, each with its moment."""
    assert write_replay_report(report()).splitlines() == [
        "## Crash: `payment failed`",
        "",
        (
            "Recorded on `payment failed`, `payment failed`, 2026-11-24 14:03 UTC, 53 s long,"
            " in the project `payment failed`."
        ),
        "",
        f"[Watch the replay]({BASE}?t=0) · [Picture]({BASE}/poster)",
        "",
        "### Steps",
        "",
        "Starts on `payment failed`.",
        "",
        f"- [0:00]({BASE}?t=0) `payment failed` appears",
        "",
        f"1. [0:01]({BASE}?t=1000) Tap `payment failed` on `Cart`",
        (
            f"2. [0:01]({BASE}?t=1200) Tap the `payment failed`"
            " that calls `payment failed` on `Cart`"
        ),
        f"   - [0:01]({BASE}?t=1500) `POST payment failed` answers 500 after 2.2 s",
        f"   - [0:04]({BASE}?t=4250) The app crashes: `payment failed`, `payment failed`",
        "",
        "### Errors",
        "",
        (
            f"- [0:04]({BASE}?t=4250) Crash: `payment failed`, `payment failed` in `payment failed`"
            f" ([event](https://replays.example/p/7/i/{ISSUE}/e/{EVENT}))"
        ),
        "  ```",
        "  payment failed",
        "  Cart.pay (Cart.kt:41)",
        "  ```",
        (
            "- Crash of the backend: `payment failed`, `payment failed` in `payment failed`"
            " of `payment failed`"
        ),
        "- And 2 more.",
        "",
        "### Requests",
        "",
        f"- [0:01]({BASE}?t=1500) **`POST payment failed` 500, 2.2 s**",
        f"- [0:02]({BASE}?t=2500) `GET payment failed` no answer",
        "- And 3 more.",
        "",
        "### Conditions",
        "",
        "- 0:01 to 0:09: offline",
        "",
        "### The user wrote",
        "",
        "- `payment failed`",
        "",
        "- _2 parts of the recording never arrived, so steps may be missing._",
    ]


def test_a_report_of_a_range_says_so():
    """Its link opens the range, not the replay."""
    text = write_replay_report(report(within=ReplayRange(1_000, 5_000)))
    assert "This report is about 0:01 to 0:05 of it." in text
    assert f"[Watch the replay]({BASE}?t=1000)" in text


def test_errors_that_repeat_are_one_line():
    """The line has the address of the first one, and how often it happened."""
    first = problem(at_ms=1)
    merged = merge_repeated([first, problem(at_ms=2), problem(at_ms=3), problem("other")])
    assert [each.times for each in merged] == [3, 1]
    assert merged[0] == replace(first, times=3)
    text = write_replay_report(report(problems=tuple(merged)))
    assert "in `payment failed`, 3 times ([event](" in text


@pytest.mark.parametrize(
    ("kind", "side", "expected"),
    [
        ("crash", "app", "crash"), ("native_crash", "app", "crash"), ("anr", "app", "hang"),
        ("crash", "backend", "error"), ("message", "backend", "message"), ("error", "app", "error"),
    ],
)  # fmt: skip
def test_a_backend_does_not_crash(kind, side, expected):
    """An error that nobody caught ends a request, and not the service."""
    assert find_problem_kind(kind, side) == expected


def test_a_report_of_nothing_is_short():
    """A recording without anything in it has no empty headings."""
    bare = report(
        facts=(), steps=ReproSteps((), "unknown", None), problems=(), more_problems=0,
        requests=(), more_requests=0, conditions=(), feedback=(), remarks=(), has_poster=False,
    )  # fmt: skip
    text = write_replay_report(bare)
    assert text.startswith("## Replay\n\nRecorded, 2026-11-24")
    assert re.findall("^#+ .*", text, re.MULTILINE) == ["## Replay", "### Steps"]
    assert "notes no touches" in text


def test_a_report_of_an_issue_leads_to_event_and_replay():
    """Counts, the event with its calls, and what led to it."""
    text = write_issue_report(issue())
    for line in (
        "## Crash: `payment failed`",
        "- Events: `1,211`",
        f"[Issue](https://replays.example/p/7/i/{ISSUE}) · [Replay, 15 s before it]({BASE}?t=0)",
        "### The event",
        "- Release: `payment failed`",
        "  Cart.pay (Cart.kt:41)",
        "### Steps",
        f"1. [0:01]({BASE}?t=1000) Tap `payment failed` on `Cart`",
    ):
        assert line in text.splitlines()


def test_a_report_of_an_issue_without_replay_uses_breadcrumbs():
    """Its steps have times and no links, and it says where they are from."""
    text = write_issue_report(issue(replay_url=None, moment=None, steps_are_of_event=True))
    assert "1. 0:01 Tap `payment failed` on `Cart`" in text
    assert "There is no replay of this event" in text
    gone = write_issue_report(issue(problem=None, steps=None, replay_url=None, moment=None))
    assert "### " not in gone


@pytest.mark.parametrize("most", [1_000, 20_000])
def test_a_long_report_loses_its_first_steps(most: int):
    """A tracker would cut it anywhere; what went wrong is at the end."""
    tap = TouchStep(0, "tap", StepTarget(view_id="x" * 110), None, screen="y" * 110)
    many = ReproSteps((tap,) * most, "android", None)
    for text in (write_replay_report(report(steps=many)), write_issue_report(issue(steps=many))):
        assert len(text) <= MOST_CHARS
        assert "earlier steps are left out" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_leaves_its_code(text: str):
    """A text is neither link nor picture nor heading, and calls nobody."""
    check_text(text)


@given(strategies.text(strategies.characters(codec="utf-8"), min_size=1))
def test_any_text_stays_in_its_code(text: str):
    """The same for texts that nobody has thought of."""
    check_text(text)


def check_text(text: str) -> None:
    """Check that outside code, reports hold nothing but their own words and addresses."""
    plain = write_replay_report(report("x")), write_issue_report(issue("x"))
    hostile = write_replay_report(report(text)), write_issue_report(issue(text))
    for ours, theirs in zip(plain, hostile, strict=True):
        assert len(ours.splitlines()) == len(theirs.splitlines())
        assert strip_code(ours) == strip_code(theirs)


def strip_code(markdown: str) -> str:
    """Take code blocks, code spans and our own links out of Markdown."""
    lines, is_code = [], False
    for line in markdown.splitlines():
        if line.strip() == "```":
            is_code = not is_code
        elif not is_code:
            lines.append(LINK.sub("LINK", CODE.sub("CODE", line)))
    return "\n".join(lines)


def test_flows_come_for_the_platform_of_the_app():
    """An iPhone needs no Kotlin, and a browser no flow."""

    def files(platform: Platform) -> tuple[ReportFile, ...]:
        return list_report_files(report(steps=replace(steps(), platform=platform)))

    assert files("android") == (
        ReportFile.REPORT, ReportFile.STEPS, ReportFile.MAESTRO, ReportFile.ESPRESSO,
    )  # fmt: skip
    assert ReportFile.XCUITEST in files("ios")
    assert files("browser") == (ReportFile.REPORT, ReportFile.STEPS)
    assert len(files("unknown")) == len(ReportFile)
    assert list_report_files(issue(steps=None)) == (ReportFile.REPORT,)
    with pytest.raises(ValueError, match="no RecordedStepsTests"):
        write_report_file(report(), ReportFile.XCUITEST)
    assert write_report_file(report(), ReportFile.STEPS).startswith(f"Replay: {BASE}?t=0\n\n")
    for file in ReportFile:
        assert write_report_file(report(steps=replace(steps(), platform="unknown")), file)
