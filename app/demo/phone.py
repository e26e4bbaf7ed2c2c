"""The simulated phone on which the story plays: a clock, fingers, a network, and an SDK.

Calls that take time advance the clock. Keyword arguments change what the phone shows; they are
fields of `ScreenState`.
"""

import random
import re
from dataclasses import replace
from typing import Any, Final, Literal, Self

from app.demo.drawing import screens, ui
from app.demo.usage_log import (
    AppBreadcrumb,
    AppRequest,
    DemoScreenVisit,
    ScreenState,
    TouchEvent,
    UsageLog,
)
from app.formats.jsonish import JsonObject

_PRESS_MS: Final = 130
_MOVE_EVERY_MS: Final = 65
_MOVES_SENT_AFTER_MS: Final = 500
"""Positions are sent once they cover this time; those that wait when the finger lifts are lost."""
_FLING: Final = 1.5
"""A list continues to scroll for half as long as the finger moved it."""


class Dice(random.Random):
    """The demo's only source of chance: the same seed gives the same replay."""

    def draw_id(self, bits: int) -> str:
        """Make a hexadecimal id of 128 or 64 bits, never zero."""
        return f"{self.getrandbits(bits) | 1:0{bits // 4}x}"


class SimulatedPhone:
    """Plays what the story asks for, and logs it as the SDK would."""

    def __init__(self, dice: Dice, state: ScreenState) -> None:
        self.now_ms = 0
        self.usage = UsageLog([state])
        self._dice = dice
        self._note(33, "app.foreground")

    @property
    def state(self) -> ScreenState:
        """The state that the phone shows now."""
        return self.usage.states[-1]

    def until(self, at_ms: int) -> Self:
        """Let time pass, with nothing happening, up to a moment of the replay."""
        if at_ms < self.now_ms:
            raise ValueError(f"the story is already at {self.now_ms} ms, not before {at_ms}")
        self.now_ms = at_ms
        return self

    def show(self, **changes: Any) -> None:
        """Change what the phone shows, now."""
        self.usage.states.append(replace(self.state, at_ms=self.now_ms, **changes))

    def open(self, activity: str, **changes: Any) -> None:
        """Go to another screen of the app."""
        self._leave_screen()
        trace_id, span_id = self._dice.draw_id(128), self._dice.draw_id(64)
        self.usage.visits.append(DemoScreenVisit(activity, trace_id, span_id, self.now_ms))
        self._note(0, "navigation", {"to": activity})
        self.show(**changes)

    def tap(self, view_id: str, tag: str = "", *, is_dead: bool = False) -> None:
        """Tap a control near its middle; a dead tap meets nothing that listens."""
        control, x, y = self._aim(view_id, tag)
        if not is_dead:
            data = {"view.class": control.view_class, "view.id": view_id}
            data |= {"view.tag": control.view_tag} if control.view_tag else {}
            self._note(0, "ui.tap", data, message=view_id)
            self.show(pressed=control)
        self._touch(1, "start", (0, x, y))
        self.now_ms += _PRESS_MS
        self._touch(0, "end", (0, x, y))
        self.show(pressed=None)

    def swipe(
        self, view_id: str, move: tuple[int, int], took_ms: int, **steps: tuple[int, ...]
    ) -> None:
        """Drag a control by so many pixels; a field takes the values of `steps` meanwhile."""
        control, x, y = self._aim(view_id)
        x, y = x - move[0] / 2, y - move[1] / 2
        began_ms = self.now_ms
        self._touch(0, "start", (0, x, y))
        path: list[tuple[int, float, float]] = []
        waiting: list[tuple[int, float, float]] = []
        count = took_ms // _MOVE_EVERY_MS
        for step in range(1, count + 1):
            share = (step / count) ** 1.4
            after_ms = step * took_ms // count
            waiting.append((after_ms, round(x + move[0] * share, 1), round(y + move[1] * share, 1)))
            path.append(waiting[-1])
            if after_ms - waiting[0][0] > _MOVES_SENT_AFTER_MS:
                self._touch(
                    after_ms, "move", *((at - after_ms, x_at, y_at) for at, x_at, y_at in waiting)
                )
                waiting = []
        for name, values in steps.items():
            for at, value in enumerate(values, 1):
                self.now_ms = began_ms + round(took_ms * _FLING * at / len(values))
                self.show(**{name: value})
        self.now_ms = began_ms + took_ms
        self._touch(0, "end", (0, *path[-1][1:]))
        axis = 0 if abs(move[0]) > abs(move[1]) else 1
        direction = (("left", "right"), ("up", "down"))[axis][move[axis] > 0]
        data = {"view.class": control.view_class, "view.id": view_id, "direction": direction}
        self._note(0, "ui.swipe", data, level="info")
        self.now_ms = began_ms + round(took_ms * _FLING)

    def type(self, field: int, words: str, took_ms: int) -> None:
        """Type letter by letter; keys are the system's, so the SDK sees no touches."""
        for end in range(1, len(words) + 1):
            self.now_ms += took_ms // len(words)
            typed = self.state.typed
            self.show(typed=(*typed[:field], words[:end], *typed[field + 1 :]))

    def request(
        self, method: str, path: str, status: int, took_ms: int, *,
        sent: JsonObject | None = None, got: JsonObject | None = None, got_bytes: int = 0,
    ) -> int:  # fmt: skip
        """Start a request now and return when it is answered; `/v1` is the backend's."""
        ended_ms = self.now_ms + round(took_ms * self._dice.uniform(0.95, 1.05))
        is_api = path.startswith("/v1/")
        host = "https://api.verdant.example" if is_api else "https://img.verdant.example"
        route = re.sub(r"VD-\d+", "{sku}", path.partition("?")[0]) if is_api else ""
        self.usage.visits[-1].requests.append(AppRequest(
            self.now_ms, ended_ms, method, host + path, route, status, self._dice.draw_id(64),
            sent, len(str(sent)) if sent else 0, got, got_bytes or len(str(got or "")),
        ))  # fmt: skip
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
        self._note(0, "device.orientation", {"position": position})
        self.usage.turned_at_ms.append(self.now_ms)
        self.show(is_wide=position == "landscape")

    def go_away(self, for_ms: int) -> None:
        """Send the app to the background and come back to the same screen."""
        self._note(0, "app.background")
        self._leave_screen()
        self.usage.away_ms.append((self.now_ms, self.now_ms + for_ms))
        self.now_ms += for_ms
        self._note(2, "app.foreground")
        self.open(self.usage.visits[-1].activity)

    def set_battery(self, percent: int) -> None:
        """Let the battery reach a level."""
        self._note(0, "device.battery", {"level": percent, "charging": False})
        self.show(battery_percent=percent)

    def set_network(self, network: Literal["wifi", "cellular"]) -> None:
        """Change from wifi to cellular or back."""
        self._note(0, "device.connectivity", {"state": network})
        self.show(network=network)

    def report_failure(self) -> None:
        """Let the app report an error that it handled, with a breadcrumb of its own."""
        self.usage.problems.append((self.now_ms, self.usage.visits[-1]))
        self._note(0, "checkout", message="payment failed, offering another try", level="error")

    def crash(self) -> None:
        """Let the app crash, which ends the log."""
        self.usage.problems.append((self.now_ms, self.usage.visits[-1]))
        self._leave_screen()
        self.usage.ended_ms = self.now_ms

    def _leave_screen(self) -> None:
        for visit in self.usage.visits[-1:]:
            visit.ended_ms = visit.ended_ms or self.now_ms

    def _note(
        self, after_ms: int, category: str, data: JsonObject | None = None, **words: str
    ) -> None:
        payload = {"category": category, **words, "data": data or {}}
        self.usage.crumbs.append(AppBreadcrumb(self.now_ms + after_ms, payload))

    def _touch(
        self, after_ms: int, kind: Literal["start", "end", "move"], *path: tuple[int, float, float]
    ) -> None:
        self.usage.touches.append(TouchEvent(self.now_ms + after_ms, kind, path))

    def _aim(self, view_id: str, tag: str = "") -> tuple[ui.Box, float, float]:
        """Find a control and pick a point near the middle of what lies on the screen of it."""
        control = ui.find_box(screens.lay_out(self.state, ""), view_id, tag)
        point = []
        for axis, reach in enumerate((40, 24)):
            start, side = control.rect[axis], control.rect[axis + 2]
            middle = (max(0, start) + min(start + side, self.state.size[axis])) / 2
            offset = (self._dice.random() - 0.5) * min(reach, side / 3)
            point.append(round(middle + offset, 1))
        return control, point[0], point[1]
