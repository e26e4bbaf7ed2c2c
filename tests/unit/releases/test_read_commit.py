"""Commits that another release of Playhead has stored."""

from app.releases.model import Commit
from app.releases.queries import read_commit


def test_facts_that_only_the_other_release_knows_are_no_obstacle():
    """A newer one may store more of a commit, and an older one less."""
    stored = {"id": "1f0", "repository": "shop", "message": "Fix", "at": "", "branch": "main"}
    assert read_commit(stored) == Commit("1f0", "shop", "", "", "Fix", "")
