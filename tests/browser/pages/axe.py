"""Runs axe-core, the accessibility checker, in a page."""

from typing import Final

from playwright.sync_api import Page

from app.core.shipped import STATIC

_SOURCE: Final = STATIC.parent / "node_modules" / "axe-core" / "axe.min.js"
_RUN: Final = """
    async ({ within, rules }) => {
        // Colours that are still on their way say nothing. What is not drawn, folded away or out of
        // sight, never arrives: axe, which reads its colour, has it set off, and no frame moves it.
        const drawn = { contentVisibilityAuto: true };
        const isDrawn = ({ effect }) => effect.target.checkVisibility(drawn);
        const moving = document
            .getAnimations()
            .filter((one) => one instanceof CSSTransition && isDrawn(one))
            .map((one) => one.finished);
        const patience = new Promise((resolve) => setTimeout(resolve, 2_000));
        await Promise.race([Promise.allSettled(moving), patience]);
        const found = await axe.run(within, {
            preload: false,
            resultTypes: ["violations"],
            rules: { "target-size": { enabled: true } },
            ...(rules.length ? { runOnly: { type: "rule", values: rules } } : {}),
        });
        const tell = (node) => `${node.target.join(" ")}: ${node.failureSummary}`;
        return found.violations.map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map(tell)]);
    }
"""


def findings(page: Page, *rules: str, within: str = "html") -> list[list[str]]:
    """Return what axe finds wrong with what a page shows now: each rule and the first elements.

    Args:
        page: The page; its policy does not hold for what a test evaluates.
        rules: Only these; without any all that axe has.
        within: A selector of the part to look at.
    """
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(f"{_SOURCE.read_text(encoding='utf-8')}; undefined")
    found: list[list[str]] = page.evaluate(_RUN, {"within": within, "rules": list(rules)})
    return found
