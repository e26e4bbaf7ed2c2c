"""Derives the steps of a recording: pure, so the same recording gives the same steps each time.

touches (touches.py) ─┐
breadcrumbs, requests ├─ in the order of time ─ screens of touches ─ repeats ─► ReproSteps
errors ───────────────┘
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from app.core.replay.replay_range import ReplayRange
from app.formats import jsonish
from app.formats.replay.activity import Breadcrumb, NetworkSpan, has_request_failed
from app.formats.request_path import shorten_url_to_path
from app.playback.recording.contents import ScreenSpan
from app.playback.recording.gestures import Gesture
from app.reports.steps.app_notes import read_app_note
from app.reports.steps.model import (
    CHANGING_METHODS,
    AppStep,
    HiddenTapsStep,
    NoteStep,
    Platform,
    ProblemStep,
    ReproSteps,
    RequestStep,
    ScreenPlace,
    ScreenStep,
    Step,
    TouchStep,
)
from app.reports.steps.touches import derive_touches

MOST_STEPS: Final = 300
"""Steps that anybody follows or pastes; of a longer recording the last ones are kept."""
_NAME_CHARS: Final = 200
_LAUNCH_MS: Final = 2_000
"""An app that comes to the foreground so soon after the start of a recording was opened then."""
_REPEAT_MS: Final = 3_000
"""The same touch within this time is one step that is done several times."""
_SAME_PLACE: Final = 5.0
"""Percent of the screen by which touches on one place may differ."""
_REQUEST_NOTES: Final = frozenset({"http", "xhr", "fetch"})
_RANKS: Final[tuple[type, ...]] = (
    AppStep, ScreenStep, TouchStep, HiddenTapsStep, RequestStep, NoteStep, ProblemStep
)  # fmt: skip
"""The order of steps that have the same time."""


@dataclass(frozen=True, slots=True)
class StepSources:
    """The source of steps: the recording of a replay, or the breadcrumbs of an event."""

    breadcrumbs: Sequence[Breadcrumb]
    """In time order; their times are milliseconds since 1970."""
    zero_ms: int
    """The zero of the player's clock, in milliseconds since 1970."""
    platform: Platform
    gestures: Sequence[Gesture] = ()
    spans: Sequence[NetworkSpan] = ()
    screens: Sequence[ScreenSpan] = ()
    """Screens that segments name, which count if no breadcrumb names one."""
    problems: Sequence[ProblemStep] = ()
    is_from_start: bool = False
    """True if the recording may begin with the start of the app."""
    is_cut: bool = False
    """True if recordings are missing at the end."""


def find_platform(facts: Mapping[str, Any]) -> Platform:
    """Find the platform of an app from the facts of its replay or event.

    Args:
        facts: `os_name`, `sdk_name` and `platform`, as rows of replays have them.
    """
    os_name, sdk_name, platform = (
        str(facts.get(name) or "").lower() for name in ("os_name", "sdk_name", "platform")
    )
    is_native = "react-native" in sdk_name
    if sdk_name.startswith("sentry.javascript.") and not is_native:
        return "browser"
    if "android" in os_name or "android" in sdk_name or platform == "java":
        return "android"
    if os_name in {"ios", "ipados", "tvos"} or "cocoa" in sdk_name or platform == "cocoa":
        return "ios"
    return "unknown"


def derive_steps(
    sources: StepSources, *, within: ReplayRange | None = None, limit: int = MOST_STEPS
) -> ReproSteps:
    """Derive the steps of a recording or of a range of it.

    Args:
        sources: The recording.
        within: The range; None for the whole recording.
        limit: The most steps; the last ones are kept, since they lead to what went wrong.
    """
    ordered = sorted(_iterate_steps(sources), key=_order_of)
    named = _name_screens(_drop_first_connections(ordered))
    from_ms = within.from_ms if within else 0
    start_screen = None
    chosen: list[Step] = []
    for step in named:
        if within is not None and not within.from_ms <= step.at_ms < within.to_ms:
            if step.at_ms < from_ms and isinstance(step, ScreenStep):
                start_screen = step.name
            continue
        chosen.append(step)
    merged = _merge_repeats(chosen)
    kept = merged[-limit:]
    for step in merged[: len(merged) - len(kept)]:
        if isinstance(step, ScreenStep):
            start_screen = step.name
    return ReproSteps(
        steps=tuple(kept),
        platform=sources.platform,
        start_screen=start_screen,
        earlier=len(merged) - len(kept),
        is_cut=sources.is_cut,
    )


def _order_of(step: Step) -> tuple[int, int]:
    return step.at_ms, _RANKS.index(type(step))


def _iterate_steps(sources: StepSources) -> Iterator[Step]:
    crumbs, zero_ms = sources.breadcrumbs, sources.zero_ms
    yield from derive_touches(crumbs, sources.gestures, zero_ms=zero_ms, platform=sources.platform)
    has_screens = False
    is_first = sources.is_from_start
    for crumb in crumbs:
        at_ms = max(0, crumb.at_ms - zero_ms)
        step = read_app_note(crumb, at_ms)
        if isinstance(step, AppStep) and step.change == "returned":
            if is_first and at_ms <= _LAUNCH_MS:
                step = replace(step, change="opened")
            is_first = False
        has_screens = has_screens or isinstance(step, ScreenStep)
        if step is not None:
            yield step
    if not has_screens:
        yield from (ScreenStep(screen.start_ms, screen.name) for screen in sources.screens)
    yield from _iterate_requests(sources)
    yield from sources.problems


def _iterate_requests(sources: StepSources) -> Iterator[RequestStep]:
    """Yield the requests that failed or changed something: of spans, or else of breadcrumbs."""
    zero_ms = sources.zero_ms
    spans = [span for span in sources.spans if span.is_request]
    for span in spans:
        method = (span.method or "GET").upper()
        if span.has_failed or method in CHANGING_METHODS:
            took_ms = None if span.ended_ms is None else span.ended_ms - span.at_ms
            yield RequestStep(
                max(0, span.at_ms - zero_ms),
                method,
                _shorten_address(span.url),
                span.status,
                took_ms,
                has_failed=span.has_failed,
            )
    for crumb in () if spans else sources.breadcrumbs:
        if crumb.category in _REQUEST_NOTES:
            step = _read_request_note(crumb, max(0, crumb.at_ms - zero_ms))
            if step.has_failed or step.method in CHANGING_METHODS:
                yield step


def _read_request_note(crumb: Breadcrumb, at_ms: int) -> RequestStep:
    data = crumb.data
    method = jsonish.text(data, "method", limit=_NAME_CHARS) or "GET"
    url = jsonish.text(data, "url") or crumb.message or ""
    names = ("status_code", "statusCode", "http.response.status_code")
    statuses = (jsonish.integer(data, name, lowest=100, highest=999) for name in names)
    status = next((status for status in statuses if status is not None), None)
    has_failed = has_request_failed("note", status)
    return RequestStep(
        at_ms, method.upper(), _shorten_address(url), status, took_ms=None, has_failed=has_failed
    )


def _shorten_address(url: str | None) -> str:
    return shorten_url_to_path(url) if url else "unknown address"


def _drop_first_connections(steps: Iterable[Step]) -> Iterator[Step]:
    """Leave out that a phone is online unless it was offline: it notes so at the start."""
    is_offline = False
    for step in steps:
        if isinstance(step, AppStep) and step.change in {"offline", "online"}:
            was_offline, is_offline = is_offline, step.change == "offline"
            if was_offline == is_offline:
                continue
        yield step


def _name_screens(steps: Iterable[Step]) -> Iterator[Step]:
    """Tell touches on which screen they happened, and leave out screens that are named again."""
    screen: str | None = None
    for step in steps:
        if isinstance(step, ScreenStep):
            if step.name != screen:
                yield step
            screen = step.name
        elif isinstance(step, TouchStep):
            yield replace(step, screen=screen)
        else:
            yield step


def _merge_repeats(steps: Iterable[Step]) -> list[Step]:
    """Make one step of touches and requests that repeat the one before them."""
    merged: list[Step] = []
    last_ms = 0
    for step in steps:
        before = merged[-1] if merged else None
        joined = _join_steps(before, step, after_ms=step.at_ms - last_ms)
        if joined is not None:
            merged[-1] = joined
        else:
            merged.append(step)
        last_ms = step.at_ms
    return merged


def _join_steps(before: Step | None, step: Step, *, after_ms: int) -> Step | None:
    """Return one step for two; None if they are not the same, or too far apart."""
    match before, step:
        case TouchStep(), TouchStep():
            is_same = (
                before.kind == step.kind
                and before.target == step.target
                and before.screen == step.screen
                and before.direction == step.direction
                and before.fingers == step.fingers
                and (step.target is not None or _is_near(before.place, step.place))
            )
            if is_same and after_ms <= _REPEAT_MS and step.kind != "type":
                is_dead = before.is_dead or step.is_dead
                return replace(before, times=before.times + step.times, is_dead=is_dead)
        case ProblemStep(), ProblemStep():
            same = replace(before, at_ms=step.at_ms, event_id=step.event_id, times=step.times)
            if same == step:
                return replace(before, times=before.times + step.times)
        case RequestStep(), RequestStep():
            repeated = replace(before, at_ms=step.at_ms, took_ms=step.took_ms, times=step.times)
            if repeated == step:
                return replace(before, times=before.times + step.times)
        case _:
            pass
    return None


def _is_near(one: ScreenPlace | None, other: ScreenPlace | None) -> bool:
    if one is None or other is None:
        return one is other
    return (
        abs(one.across - other.across) <= _SAME_PLACE and abs(one.down - other.down) <= _SAME_PLACE
    )
