"""What outcomes are counted under."""

import itertools

from app.core.ids import ProjectId
from app.ingest.outcomes import OTHER, outcome_key
from app.projects.model import Outcome

_numbers = itertools.count(2**40)


def fresh_project() -> ProjectId:
    """Return a project that has brought no names yet."""
    return ProjectId(next(_numbers))


def test_made_up_types_do_not_fill_the_table():
    """The first fifty are counted by their names, all others together; known ones always."""
    project_id = fresh_project()
    names = [f"made_up_{number}" for number in range(200)]
    kept = [outcome_key(project_id, name, Outcome.IGNORED, "type").item_type for name in names]
    assert kept[:50] == names[:50]
    assert set(kept[50:]) == {OTHER}
    again = [outcome_key(project_id, name, Outcome.IGNORED, "type").item_type for name in names]
    assert again == kept
    assert outcome_key(project_id, "replay_video", Outcome.KEPT).item_type == "replay_video"


def test_what_one_project_brings_costs_no_other():
    """A name is counted by itself in another project."""
    for number in range(200):
        outcome_key(ProjectId(2**41), f"made_up_{number}", Outcome.IGNORED, "type")
    found = outcome_key(fresh_project(), "made_up_199", Outcome.IGNORED, "type")
    assert found.item_type == "made_up_199"


def test_made_up_words_of_client_reports_are_counted_together():
    """Category and reason are words of the sender, too; reasons of ours are not touched."""
    project_id = fresh_project()
    keys = {
        outcome_key(project_id, f"c{number}", Outcome.DROPPED_BY_SDK, f"r{number}")
        for number in range(200)
    }
    assert len(keys) <= 26
    lost = outcome_key(project_id, "replay", Outcome.DROPPED_BY_SDK, "cache_overflow")
    assert (lost.item_type, lost.reason) == ("replay", "cache_overflow")
    assert outcome_key(project_id, "event", Outcome.REFUSED, "too_large").reason == "too_large"


def test_a_name_of_any_length_is_cut():
    """A column holds 64 characters."""
    assert outcome_key(fresh_project(), "x" * 200, Outcome.IGNORED, "type").item_type == "x" * 64


def test_names_that_are_no_words_are_not_kept():
    """Whoever has the key may call an item anything, also `password=…`."""
    for name in ("password=w1nter", "jo@example.org", "My Type", "Event", "a\nb"):
        found = outcome_key(fresh_project(), name, Outcome.IGNORED, "type")
        assert found.item_type == OTHER
