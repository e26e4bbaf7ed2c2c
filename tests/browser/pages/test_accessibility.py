"""axe checks the replay page panel by panel; test_pages has every page as it opens."""

import re

import pytest

from tests.browser.pages import axe

PANELS = ("Activity", "Network", "Errors", "Trace", "Logs", "Segments", "Details")


@pytest.mark.parametrize("panel", PANELS)
def test_axe_finds_nothing_in_any_panel(replay, panel):
    """Every panel passes axe in both themes, with its details opened."""
    replay.get_by_role("tab", name=re.compile(panel)).click()
    selector = f'[data-panel="{panel.lower()}"]'
    replay.locator(f"{selector} details:not(.trace details)").evaluate_all(
        "(all) => all.forEach((one) => one.open = true)"
    )
    assert axe.find_violations(replay, within=selector) == []
    replay.emulate_media(color_scheme="dark")
    assert axe.find_violations(replay, "color-contrast", within=selector) == []


def test_axe_does_not_wait_for_hidden_elements(page):
    """A transition in a folded element never ends, and axe does not wait for it."""
    page.set_content(
        "<style>:root { color-scheme: light dark }"
        "button { color: light-dark(black, white); transition: color 10s }</style>"
        "<details><summary>More</summary><button>Folded</button></details>"
    )
    colour = "getComputedStyle(document.querySelector('button')).color"
    page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    page.evaluate(colour)
    assert page.evaluate("document.getAnimations().length") == 1
    assert axe.find_violations(page, "color-contrast") == []
