"""Where the story plays: a phone with a clock, fingers, a network, and an SDK that notes it all.

Calls that take time move the clock; the story reads like the list of what a person does. What the
app shows changes by keywords that name fields of `AppState`.
"""

import random
import re
from dataclasses import replace
from typing import Any, Final, Literal, Self

from app.demo import screens, ui
from app.demo.take import AppState, Crumb, Request, Shot, Take, Touch, TouchPath, Visit
from app.demo.ui import Box
from app.formats.jsonish import JsonObject

_HOSTS: Final = {"v1": "https://api.verdant.example", "images": "https://img.verdant.example"}
_PRESS_MS: Final = 130
_MOVE_EVERY_MS: Final = 65
_MOVES_SENT_AFTER_MS: Final = 500
"""Positions are sent once they span this; those still waiting when the finger lifts are lost."""
_FLING: Final = 1.5
"""A list goes on rolling for half as long as the finger moved it."""


class Dice:
    """The demo's only source of chance: the same seed gives the same replay."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - made-up data, the same for each seed

    def draw_id(self, bits: int) -> str:
        """Make a hexadecimal id of 128 or 64 bits, never zero."""
        return f"{self._random.getrandbits(bits) | 1:0{bits // 4}x}"

    def vary(self, value: float, spread: float) -> float:
        """Return a number near `value`, at most a share of `spread` away."""
        return value * (1 + self._random.uniform(-spread, spread))

    def draw_share(self) -> float:
        """Return a number from 0 up to 1."""
        return self._random.random()

    def draw_index(self, count: int) -> int:
        """Return a whole number from 0 up to `count` - 1."""
        return self._random.randrange(count)


class Stage:
    """Plays what the story asks for and notes it as a take."""

    def __init__(self, dice: Dice, state: AppState) -> None:
        self.now_ms = 0
        self.take = Take(shots=[Shot(0, state)])
        self._dice = dice
        self._note("app.foreground", after_ms=33)

    @property
    def state(self) -> AppState:
        """What the app shows now."""
        return self._shot.state

    @property
    def _shot(self) -> Shot:
        return self.take.shots[-1]

    def until(self, at_ms: int) -> Self:
        """Let time pass, with nothing happening, up to a moment of the replay."""
        if at_ms < self.now_ms:
            raise ValueError(f"the story is already at {self.now_ms} ms, not before {at_ms}")
        self.now_ms = at_ms
        return self

    def show(self, **changes: Any) -> None:
        """Change what the app shows, now."""
        self._change_shot(state=replace(self.state, **changes))

    def open(self, activity: str, **changes: Any) -> None:
        """Go to another screen of the app."""
        self._leave_screen()
        trace_id, span_id = self._dice.draw_id(128), self._dice.draw_id(64)
        self.take.visits.append(Visit(activity, trace_id, span_id, self.now_ms))
        self._note("navigation", {"to": activity})
        self.show(**changes)

    def tap(self, view_id: str, tag: str = "", *, is_dead: bool = False) -> None:
        """Tap a control near its middle; a dead tap meets nothing that listens."""
        control = self._find_box(view_id, tag)
        x, y = self._pick_point(control)
        if not is_dead:
            data = {"view.class": control.view_class, "view.id": view_id}
            data |= {"view.tag": control.view_tag} if control.view_tag else {}
            self._note("ui.tap", data, message=view_id)
            self._change_shot(pressed=control)
        self._touch("start", ((0, x, y),), after_ms=1)
        self.now_ms += _PRESS_MS
        self._touch("end", ((0, x, y),))
        self._change_shot(pressed=None)

    def swipe(
        self, view_id: str, move: tuple[int, int], took_ms: int, **steps: tuple[int, ...]
    ) -> None:
        """Drag a control by so many pixels; a field takes the values of `steps` meanwhile."""
        control = self._find_box(view_id)
        x, y = self._pick_point(control)
        x, y = x - move[0] / 2, y - move[1] / 2
        began_ms = self.now_ms
        self._touch("start", ((0, x, y),))
        count = took_ms // _MOVE_EVERY_MS
        path = []
        for step in range(1, count + 1):
            share = (step / count) ** 1.4
            at_ms = began_ms + step * took_ms // count
            path.append((at_ms, round(x + move[0] * share, 1), round(y + move[1] * share, 1)))
        self._send_moves(path)
        for name, values in steps.items():
            for at, value in enumerate(values, 1):
                self.now_ms = began_ms + round(took_ms * _FLING * at / len(values))
                self.show(**{name: value})
        self.now_ms = began_ms + took_ms
        self._touch("end", ((0, *path[-1][1:]),))
        data = {"view.class": control.view_class, "view.id": view_id}
        self._note("ui.swipe", data | {"direction": _name_direction(*move)}, level="info")
        self.now_ms = began_ms + round(took_ms * _FLING)

    def type(self, field: int, words: str, took_ms: int) -> None:
        """Type letter by letter; keys are the system's, so the SDK sees no touches."""
        typed = self.state.typed
        for end in range(1, len(words) + 1):
            self.now_ms += took_ms // len(words)
            self.show(typed=(*typed[:field], words[:end], *typed[field + 1 :]))

    def request(
        self, method: str, path: str, status: int, took_ms: int, *,
        sent: JsonObject | None = None, got: JsonObject | None = None, got_bytes: int = 0,
    ) -> int:  # fmt: skip
        """Start a request now, without waiting for it; paths under `/v1` are the backend's.

        Returns:
            When the answer is in.
        """
        ended_ms = self.now_ms + round(self._dice.vary(took_ms, 0.05))
        is_api = path.startswith("/v1/")
        route = re.sub(r"VD-\d+", "{sku}", path.partition("?")[0]) if is_api else ""
        request = Request(
            self.now_ms, ended_ms, method, f"{_HOSTS['v1' if is_api else 'images']}{path}", route,
            status, self._dice.draw_id(64), sent, got, got_bytes or len(str(got or "")),
        )  # fmt: skip
        self.take.visits[-1].requests.append(request)
        return ended_ms

    def spin(self, until_ms: int, **changes: Any) -> None:
        """Show the spinner of a payment, turning, up to a moment."""
        turn = 40
        while self.now_ms < until_ms:
            self.show(spinner_turn=turn % 360, **changes)
            self.until(min(self.now_ms + 250, until_ms))
            turn += 75

    def turn(self, position: Literal["portrait", "landscape"]) -> None:
        """Turn the phone."""
        self._note("device.orientation", {"position": position})
        self.take.turned_at_ms.append(self.now_ms)
        self._change_shot(is_wide=position == "landscape")

    def go_away(self, for_ms: int) -> None:
        """Send the app to the background and come back to the same screen."""
        self._note("app.background")
        self._leave_screen()
        self.take.away_ms.append((self.now_ms, self.now_ms + for_ms))
        self.now_ms += for_ms
        self._note("app.foreground", after_ms=2)
        self.open(self.take.visits[-1].activity)

    def set_battery(self, percent: int) -> None:
        """Let the battery reach a level."""
        self._note("device.battery", {"level": percent, "charging": False})
        self._change_shot(battery_percent=percent)

    def set_network(self, network: Literal["wifi", "cellular"]) -> None:
        """Change from wifi to cellular or back."""
        self._note("device.connectivity", {"state": network})
        self._change_shot(network=network)

    def report_failure(self) -> None:
        """Let the app report an error that it handled, with a breadcrumb of its own."""
        self.take.problems.append((self.now_ms, self.take.visits[-1]))
        self._note("checkout", message="payment failed, offering another try", level="error")

    def crash(self) -> None:
        """Let the app die, which ends the take."""
        self.take.problems.append((self.now_ms, self.take.visits[-1]))
        self._leave_screen()
        self.take.ended_ms = self.now_ms

    def _change_shot(self, **changes: Any) -> None:
        self.take.shots.append(replace(self._shot, at_ms=self.now_ms, **changes))

    def _leave_screen(self) -> None:
        for visit in self.take.visits[-1:]:
            visit.ended_ms = visit.ended_ms or self.now_ms

    def _note(
        self, category: str, data: JsonObject | None = None, *, message: str | None = None,
        level: str | None = None, after_ms: int = 0,
    ) -> None:  # fmt: skip
        crumb = Crumb(self.now_ms + after_ms, category, data or {}, message, level)
        self.take.crumbs.append(crumb)

    def _find_box(self, view_id: str, tag: str = "") -> Box:
        return ui.find_box(screens.lay_out(self._shot, ""), view_id, tag)

    def _pick_point(self, control: Box) -> tuple[float, float]:
        """Pick a point near the middle of what lies on the screen of a control."""
        middles = []
        for start, side, end in zip(
            control.rect[:2], control.rect[2:], self._shot.size, strict=True
        ):
            middles.append((max(0, start) + min(start + side, end)) / 2)
        off_x, off_y = (self._dice.draw_share() - 0.5 for _ in range(2))
        return (
            round(middles[0] + off_x * min(40, control.rect.width / 3), 1),
            round(middles[1] + off_y * min(24, control.rect.height / 3), 1),
        )

    def _touch(
        self, kind: Literal["start", "end", "move"], path: TouchPath, *, after_ms: int = 0
    ) -> None:
        self.take.touches.append(Touch(self.now_ms + after_ms, kind, path))

    def _send_moves(self, path: list[tuple[int, float, float]]) -> None:
        waiting: list[tuple[int, float, float]] = []
        for position in path:
            waiting.append(position)
            sent_ms = position[0]
            if sent_ms - waiting[0][0] > _MOVES_SENT_AFTER_MS:
                offsets = tuple((at_ms - sent_ms, x, y) for at_ms, x, y in waiting)
                self._touch("move", offsets, after_ms=sent_ms - self.now_ms)
                waiting = []


def _name_direction(x: int, y: int) -> str:
    if abs(x) > abs(y):
        return "left" if x < 0 else "right"
    return "up" if y < 0 else "down"
