"""The replay page under axe, panel by panel, in both themes."""

import re

import pytest

from tests.browser.pages import axe

PANELS = ("Activity", "Network", "Errors", "Trace", "Logs", "Segments", "Details")


@pytest.mark.parametrize("panel", PANELS)
def test_axe_finds_nothing_in_any_panel(replay, panel):
    """With everything opened that needs no server."""
    replay.get_by_role("tab", name=re.compile(panel)).click()
    shown = f'[data-panel="{panel.lower()}"]'
    replay.locator(f"{shown} details:not(.trace details)").evaluate_all(
        "(all) => all.forEach((one) => one.open = true)"
    )
    assert axe.findings(replay, within=shown) == []
    replay.emulate_media(color_scheme="dark")
    assert axe.findings(replay, "color-contrast", within=shown) == []
