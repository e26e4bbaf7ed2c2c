"""Runs axe-core, the accessibility checker, in a page."""

from typing import Final

from playwright.sync_api import Page

from app.core.shipped import STATIC

_SOURCE: Final = STATIC.parent / "node_modules" / "axe-core" / "axe.min.js"
_RUN: Final = """
    async ({ within, rules }) => {
        // A colour in transition cannot be judged, so wait until it has arrived. The transition
        // of an element that is not drawn starts when axe reads its colour, and never ends.
        const drawn = { contentVisibilityAuto: true };
        const isDrawn = ({ effect }) => effect.target.checkVisibility(drawn);
        const moving = document
            .getAnimations()
            .filter((animation) => animation instanceof CSSTransition && isDrawn(animation))
            .map((animation) => animation.finished);
        const patience = new Promise((resolve) => setTimeout(resolve, 2_000));
        await Promise.race([Promise.allSettled(moving), patience]);
        const results = await axe.run(within, {
            preload: false,
            resultTypes: ["violations"],
            rules: { "target-size": { enabled: true } },
            ...(rules.length ? { runOnly: { type: "rule", values: rules } } : {}),
        });
        const describe = (node) => `${node.target.join(" ")}: ${node.failureSummary}`;
        return results.violations.map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map(describe)]);
    }
"""


def find_violations(page: Page, *rules: str, within: str = "html") -> list[list[str]]:
    """Return the violations that axe finds on a page: each rule with its first elements.

    Args:
        page: Page to check; its content security policy does not bind what a test evaluates.
        rules: Rules to check; all rules of axe if none are named.
        within: Selector of the part of the page to check.
    """
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(f"{_SOURCE.read_text(encoding='utf-8')}; undefined")
    violations: list[list[str]] = page.evaluate(_RUN, {"within": within, "rules": list(rules)})
    return violations
