"""The names under which outcomes are counted."""

import itertools
from typing import Any

from app.core.ids import ProjectId
from app.ingest.outcome_names import OTHER, limit_name
from app.ingest.outcomes import outcome_key
from app.projects.model import Outcome, OutcomeKey

_numbers = itertools.count(2**40)


def fresh_project() -> ProjectId:
    """Return a project that has used no names yet."""
    return ProjectId(next(_numbers))


def named(*outcome: Any) -> OutcomeKey:
    """Return the key under which an outcome is stored."""
    return limit_name(outcome_key(*outcome))


def test_made_up_types_do_not_fill_the_table():
    """The first fifty are counted by their names, all others together; known ones always."""
    project_id = fresh_project()
    names = [f"made_up_{number}" for number in range(200)]
    kept = [named(project_id, name, Outcome.IGNORED, "type").item_type for name in names]
    assert kept[:50] == names[:50]
    assert set(kept[50:]) == {OTHER}
    again = [named(project_id, name, Outcome.IGNORED, "type").item_type for name in names]
    assert again == kept
    assert named(project_id, "replay_video", Outcome.KEPT).item_type == "replay_video"


def test_names_of_one_project_do_not_limit_another():
    """Another project may still use fifty names of its own."""
    for number in range(200):
        named(ProjectId(2**41), f"made_up_{number}", Outcome.IGNORED, "type")
    key = named(fresh_project(), "made_up_199", Outcome.IGNORED, "type")
    assert key.item_type == "made_up_199"


def test_made_up_words_of_client_reports_are_counted_together():
    """Category and reason are words of the sender; reasons of our own are not changed."""
    project_id = fresh_project()
    keys = {
        named(project_id, f"c{number}", Outcome.DROPPED_BY_SDK, f"r{number}")
        for number in range(200)
    }
    assert len(keys) <= 26
    lost = named(project_id, "replay", Outcome.DROPPED_BY_SDK, "cache_overflow")
    assert (lost.item_type, lost.reason) == ("replay", "cache_overflow")
    assert named(project_id, "event", Outcome.REFUSED, "too_large").reason == "too_large"


def test_a_name_of_any_length_is_cut():
    """A column holds 64 characters."""
    assert named(fresh_project(), "x" * 200, Outcome.IGNORED, "type").item_type == "x" * 64


def test_names_that_are_not_words_are_not_stored():
    """A sender may call an item anything, such as `password=…`."""
    for name in ("password=w1nter", "jo@example.org", "My Type", "Event", "a\nb"):
        key = named(fresh_project(), name, Outcome.IGNORED, "type")
        assert key.item_type == OTHER
