"""Looks at the player's picture instead of trusting what the player reports."""

import json
from typing import Any, Final

from playwright.sync_api import Page, expect

from tests.browser.player.truth import Truth

PALETTE: Final = (
    (230, 25, 20),
    (25, 180, 25),
    (20, 20, 230),
    (228, 200, 25),
    (203, 21, 203),
    (25, 198, 198),
    (250, 127, 5),
    (122, 120, 122),
)
"""Colours of the square at the bottom left of recorded frames: the drawn second, modulo 8.

The colours of `tests.support.builders.clips` are close enough to these, except the last two.
"""
_CLIP_ENDS: Final = ((240, 240, 240), (30, 30, 30))

_LOOK: Final = """
(() => {
  const palette = PALETTE;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d", {willReadFrequently: true});
  const side = ({videoWidth, videoHeight, width, height}) => (
    [videoWidth || width, videoHeight || height]);
  window.look = {
    size() { return side(pb.surface()); },
    pixel(x, y_from_bottom) {
      const surface = pb.surface();
      const [, height] = side(surface);
      context.drawImage(surface, x, height - y_from_bottom, 1, 1, 0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    },
    colour() {
      if (pb.surface().style.visibility === "hidden") return -1;
      const pixel = look.pixel(16, 16);
      const far = palette.map((known) => known.reduce((sum, c, n) => sum + (c - pixel[n]) ** 2, 0));
      const nearest = far.indexOf(Math.min(...far));
      return far[nearest] > 6000 ? -1 : nearest < 8 ? nearest : nearest - 2;
    },
    async frames(count) {
      for (let n = 0; n < count; n++) await new Promise(requestAnimationFrame);
    },
    // Seeks and records every picture on the way to the one that stays for some refreshes.
    async seek(ms, due_ms) {
      const seen = [look.colour()];
      pb.seek(ms);
      const end = performance.now() + 60000;
      while (performance.now() < end) {
        await look.frames(1);
        if (look.colour() !== seen.at(-1)) seen.push(look.colour());
        if (player.store.get().shown_ms !== due_ms) continue;
        await look.frames(3);
        if (look.colour() !== seen.at(-1)) seen.push(look.colour());
        return seen;
      }
      return ["never", ...seen];
    },
    // Plays to a time and records clock and picture on every refresh.
    async play(rate, until_ms) {
      const seen = [];
      pb.play(rate);
      const end = performance.now() + 60000;
      while (performance.now() < end && player.store.get().playing && pb.time() < until_ms) {
        await look.frames(1);
        const {shown_ms, in_gap} = player.store.get();
        seen.push([pb.time(), look.colour(), shown_ms, ...look.size(), in_gap !== null]);
      }
      pb.pause();
      return seen;
    },
  };
})();
"""


class Watching:
    """One page with the player of one replay."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        self._url = url
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.add_init_script(_LOOK.replace("PALETTE", json.dumps(PALETTE + _CLIP_ENDS)))

    def open(self, replay: str, at_ms: int = 0) -> dict[str, Any]:
        """Open a replay and wait until the player is ready or has given up."""
        self.page.goto(f"{self._url}/replay/{replay}?t={at_ms}")
        self.page.evaluate("player.ready")
        return self.state()

    def state(self) -> dict[str, Any]:
        """Return the player's state."""
        state: dict[str, Any] = self.page.evaluate("player.store.get()")
        return state

    def until(self, condition: str) -> None:
        """Wait until a condition on the state `s` holds."""
        self.page.wait_for_function(
            f"(() => {{ const s = player.store.get(); return {condition} }})()"
        )

    def request(self, name: str, **detail: object) -> None:
        """Send the player a request, as a control does."""
        self.page.evaluate("([name, detail]) => player.request(name, detail)", [name, detail])

    def look(self, call: str, *values: object) -> Any:
        """Call one of the functions that look at the picture."""
        return self.page.evaluate(f"(values) => look.{call}(...values)", list(values))

    def check_picture_size(self, size: tuple[int, int]) -> None:
        """Check that the surface letterboxes a picture of this size."""
        surface = self.page.locator(".stage-picture")
        expect(surface).to_have_css("object-fit", "contain")
        assert tuple(self.look("size")) == size


def find_wrong_refreshes(refreshes: list[Any], facts: Truth) -> list[Any]:
    """Return the refreshes whose picture was not the one due at the clock's time."""
    return [
        (at_ms, colour, size)
        for at_ms, colour, _, *size, _ in refreshes
        if (facts.at(at_ms).colour, facts.at(at_ms).size) != (colour, tuple(size))
    ]
