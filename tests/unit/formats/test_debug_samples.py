"""The samples of debug files are whole."""

import pytest

from tests.support.recorded.debug_samples import (
    hostile_cases,
    load_expectation,
    load_sample_event,
    read_debug_sample,
)


@pytest.mark.parametrize(
    "folder", ["dart", "elf-arm32", "elf-arm64", "hermes", "macho-dsym", "proguard", "r8", "web"]
)
def test_an_event_and_its_expectation_name_the_same_number_of_exceptions(folder):
    """Every folder has an event, and expects something of each of its exceptions."""
    event, expectation = load_sample_event(folder), load_expectation(folder)
    assert len(event["exception"]["values"]) == len(expectation["exceptions"]) > 0


@pytest.mark.parametrize("case", hostile_cases(), ids=lambda case: case["file"])
def test_hostile_files_are_read_as_they_are_uploaded(case):
    """A packed file comes out with the size that its case names."""
    assert len(read_debug_sample(f"hostile/{case['file']}")) == case["bytes"]
