"""Records the demo: from a seed and an end time to the envelopes that reach the server.

story.play → take ─ recorder.cut ─ Camera.film ─ segments.replay_part ┐
                  ├ app_items (sessions, transactions, errors, logs)  ├ deliveries, in order
                  └ backend (transactions, the error)                 ┘
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from app.core.ids import PublicKey, ReplayId
from app.demo import app_items, backend, facts, segments, story, wire
from app.demo.dice import Dice
from app.demo.facts import Session
from app.demo.recorder import Camera, cut
from app.demo.take import Problem, Visit
from app.demo.wire import Part
from app.formats.jsonish import JsonObject

SENT_AFTER_MS: Final = 60_000
"""The phone was offline for a minute: it sends from disk, and stamps the time of sending."""
_SENT_EVERY_MS: Final = 40
_PACKED_AFTER_MS: Final = 600
_REPORTED_AFTER_MS: Final = 20
_NEXT_LAUNCH_MS: Final = 5_000
_NO_KEY: Final = PublicKey("0123456789abcdef0123456789abcdef")

Sender = Literal["app", "backend"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request to the server: the envelope before compression, and who sends it."""

    envelope: bytes
    project: Sender
    replay_id: ReplayId


@dataclass(frozen=True, slots=True)
class _Draft:
    """An envelope that still lacks the time of sending."""

    at_ms: int
    project: Sender
    header: JsonObject
    parts: tuple[Part, ...]


def record(
    seed: int,
    ended_ms: int,
    *,
    app_key: PublicKey = _NO_KEY,
    replay_id: ReplayId | None = None,
) -> list[Delivery]:
    """Record the whole demo; the same arguments give the same bytes.

    Args:
        seed: Any number: ids, fingers and latencies follow from it.
        ended_ms: When the app dies, in milliseconds since 1970.
        app_key: The app's public key, which every envelope of its traces names.
        replay_id: Id of the replay; None draws one from the seed.

    Returns:
        In the order of sending; the last segment comes at the end, found by the next launch.
    """
    dice = Dice(seed)
    person = story.PEOPLE[dice.pick(len(story.PEOPLE))]
    take = story.play(dice, person)
    # Drawn in any case, so that the seed gives the same recording whoever names the replay.
    drawn_id = ReplayId(dice.hex32())
    session = Session(
        replay_id=replay_id or drawn_id,
        session_id=dice.hex32(),
        install_id=dice.hex32(),
        sample_rand=f"{dice.share():.12f}",
        public_key=app_key,
        person=person,
        started_at_ms=ended_ms - take.ended_ms,
        take=take,
    )
    drafts = [*_sessions(session), *_segments(session), *_screens(session, dice),
              *_problems(session, dice), *_backend(session, dice)]  # fmt: skip
    drafts.sort(key=lambda draft: draft.at_ms)
    first_sent_ms = ended_ms + SENT_AFTER_MS
    return [
        Delivery(
            _seal(draft, first_sent_ms + at * _SENT_EVERY_MS),
            draft.project,
            ReplayId(session.replay_id),
        )
        for at, draft in enumerate(drafts)
    ]


def _seal(draft: _Draft, sent_ms: int) -> bytes:
    return wire.envelope({**draft.header, "sent_at": wire.iso(sent_ms)}, draft.parts)


def _from_app(
    session: Session, at_ms: int, event_id: str, parts: tuple[Part, ...], visit: Visit | None
) -> _Draft:
    header: JsonObject = {"event_id": event_id, "sdk": facts.SDK}
    if visit is not None:
        header["trace"] = facts.trace_header(session, visit)
    return _Draft(at_ms, "app", header, parts)


def _sessions(session: Session) -> Iterator[_Draft]:
    yield _Draft(-40, "app", {"sdk": facts.SDK}, (app_items.session_part(session, "ok"),))


def _segments(session: Session) -> Iterator[_Draft]:
    camera = Camera(session.take, session.started_at_ms)
    for window in cut(session.take):
        part = segments.replay_part(session, window, camera.film(window))
        if window.is_recovered:
            at_ms = window.ended_ms + _NEXT_LAUNCH_MS
            yield _from_app(session, at_ms, session.replay_id, (part,), None)
        else:
            at_ms = window.ended_ms + _PACKED_AFTER_MS
            visit = session.take.visit_at(window.ended_ms)
            yield _from_app(session, at_ms, session.replay_id, (part,), visit)


def _screens(session: Session, dice: Dice) -> Iterator[_Draft]:
    for visit in session.take.visits:
        event_id = dice.hex32()
        part = app_items.transaction_part(session, visit, event_id, [dice.hex16(), dice.hex16()])
        yield _from_app(session, visit.ended_ms + _REPORTED_AFTER_MS * 2, event_id, (part,), visit)


def _problems(session: Session, dice: Dice) -> Iterator[_Draft]:
    for problem in session.take.problems:
        event_id = dice.hex32()
        at_ms = problem.at_ms + _REPORTED_AFTER_MS
        part = app_items.problem_part(session, problem, event_id)
        yield _from_app(session, at_ms, event_id, (part, *_beside(session, problem)), problem.visit)
        if problem.at_ms < session.take.ended_ms:
            line = app_items.log_part(session, problem, story.ORDER)
            yield _Draft(at_ms + _PACKED_AFTER_MS, "app", {"sdk": facts.SDK}, (line,))


def _beside(session: Session, problem: Problem) -> tuple[Part, ...]:
    """Return what travels with an error: a crash ends the session."""
    if problem.at_ms < session.take.ended_ms:
        return ()
    return (app_items.session_part(session, "crashed"),)


def _backend(session: Session, dice: Dice) -> Iterator[_Draft]:
    for visit in session.take.visits:
        trace = facts.trace_header(session, visit)
        for request in visit.requests:
            if not request.route:
                continue
            event_id = dice.hex32()
            part = backend.transaction_part(session, visit, request, event_id, dice)
            yield _from_backend(request.ended_ms, event_id, trace, part)
            if request.status >= 500:  # noqa: PLR2004 - HTTP's own border
                event_id = dice.hex32()
                part = backend.error_part(session, visit, request, event_id)
                yield _from_backend(request.ended_ms - 1, event_id, trace, part)


def _from_backend(at_ms: int, event_id: str, trace: JsonObject, part: Part) -> _Draft:
    return _Draft(at_ms, "backend", {"event_id": event_id, "trace": trace}, (part,))
