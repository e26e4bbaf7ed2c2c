"""Where the story plays: a phone with a clock, fingers, a network, and an SDK that notes it all.

Calls that take time move the clock; the story reads like the list of what a person does.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, Literal

from app.demo import hierarchy, screens
from app.demo.dice import Dice
from app.demo.hierarchy import Box
from app.demo.screens import Scene
from app.demo.take import Crumb, Problem, Request, Shot, Take, Touch, Visit
from app.demo.theme import Phone
from app.formats.jsonish import JsonObject

LONG_PX: Final = 912
SHORT_PX: Final = 416
API: Final = "https://api.verdant.example"
IMAGES: Final = "https://img.verdant.example"

_PRESS_MS: Final = 130
_MOVE_EVERY_MS: Final = 65
_MOVES_SENT_AFTER_MS: Final = 500
"""Positions are sent once they span this; those still waiting when the finger lifts are lost."""
_FLING: Final = 1.5
"""A list goes on rolling for half as long as the finger moved it."""


def phone_of(shot: Shot, clock: str) -> Phone:
    """Describe the phone at a moment."""
    width, height = (LONG_PX, SHORT_PX) if shot.is_wide else (SHORT_PX, LONG_PX)
    return Phone(width, height, clock, shot.battery_percent, shot.network)


class Stage:
    """Plays what the story asks for and notes it as a take."""

    def __init__(self, dice: Dice, first: Scene) -> None:
        self.now_ms = 0
        self.take = Take()
        self._dice = dice
        self._shot = Shot(0, first, is_wide=False, battery_percent=77, network="wifi")
        self.take.shots.append(self._shot)
        self._note("app.foreground", after_ms=33)

    def until(self, at_ms: int) -> None:
        """Let time pass, with nothing happening, up to a moment of the replay."""
        if at_ms < self.now_ms:
            raise ValueError(f"the story is already at {self.now_ms} ms, not before {at_ms}")
        self.now_ms = at_ms

    def show(self, scene: Scene) -> None:
        """Change what is on the screen, now."""
        self._change(replace(self._shot, scene=scene))

    def open(self, activity: str, scene: Scene) -> None:
        """Go to another screen."""
        self._leave_screen()
        visit = Visit(activity, self._dice.hex32(), self._dice.hex16(), self.now_ms)
        self.take.visits.append(visit)
        self._note("navigation", data={"to": activity})
        self.show(scene)

    def tap(self, view_id: str, *, tag: str = "", is_dead: bool = False) -> None:
        """Tap a control near its middle; a dead tap meets nothing that listens."""
        control = self._find(view_id, tag)
        x, y = self._near_middle(control)
        if not is_dead:
            data: JsonObject = {"view.class": control.view_class, "view.id": view_id}
            data |= {"view.tag": control.view_tag} if control.view_tag else {}
            self._note("ui.tap", message=view_id, data=data)
            self._change(replace(self._shot, pressed=control))
        self._touch("start", ((0, x, y),), after_ms=1)
        self.now_ms += _PRESS_MS
        self._touch("end", ((0, x, y),))
        self._change(replace(self._shot, pressed=None))

    def swipe(self, view_id: str, move: tuple[int, int], took_ms: int, *scenes: Scene) -> None:
        """Drag a control by so many pixels; the scenes follow one another meanwhile."""
        control = self._find(view_id, "")
        x, y = self._near_middle(control)
        x, y = x - move[0] / 2, y - move[1] / 2
        began_ms = self.now_ms
        self._touch("start", ((0, x, y),))
        steps = took_ms // _MOVE_EVERY_MS
        path = []
        for step in range(1, steps + 1):
            share = (step / steps) ** 1.4
            at_ms = began_ms + step * took_ms // steps
            path.append((at_ms, round(x + move[0] * share, 1), round(y + move[1] * share, 1)))
        self._send_moves(began_ms, path)
        for at, scene in enumerate(scenes, 1):
            self.now_ms = began_ms + round(took_ms * _FLING * at / len(scenes))
            self.show(scene)
        self.now_ms = began_ms + took_ms
        self._touch("end", ((0, path[-1][1], path[-1][2]),))
        data = {"view.class": control.view_class, "view.id": view_id, "direction": _way(move)}
        self._note("ui.swipe", level="info", data=data)
        self.now_ms = began_ms + round(took_ms * _FLING)

    def type(self, scenes: Sequence[Scene], *, every_ms: int) -> None:
        """Type letter by letter; keys are the system's, so the SDK sees no touches."""
        for scene in scenes:
            self.now_ms += every_ms
            self.show(scene)

    def request(
        self, method: str, url: str, status: int, took_ms: int, *,
        sent: JsonObject | None = None, got: JsonObject | None = None, size_bytes: int = 0,
        route: str = "",
    ) -> int:  # fmt: skip
        """Start a request now, without waiting for it.

        Returns:
            When the answer is in.
        """
        ended_ms = self.now_ms + round(self._dice.about(took_ms, spread=0.05))
        got_bytes = size_bytes or len(str(got or ""))
        request = Request(
            self.now_ms, ended_ms, method, url, route, status, self._dice.hex16(),
            len(str(sent)) if sent else 0, got_bytes, sent, got,
        )  # fmt: skip
        self.take.visits[-1].requests.append(request)
        return ended_ms

    def turn(self, position: Literal["portrait", "landscape"]) -> None:
        """Turn the phone."""
        self._note("device.orientation", data={"position": position})
        self.take.turned_at_ms.append(self.now_ms)
        self._change(replace(self._shot, is_wide=position == "landscape"))

    def go_away(self, for_ms: int) -> None:
        """Send the app to the background and come back to the same screen."""
        activity = self.take.visits[-1].activity
        self._note("app.background")
        self._leave_screen()
        left_ms = self.now_ms
        self.now_ms += for_ms
        self.take.away_ms.append((left_ms, self.now_ms))
        self._note("app.foreground", after_ms=2)
        self.open(activity, self._shot.scene)

    def set_power(self, percent: int) -> None:
        """Let the battery reach a level."""
        self._note("device.battery", data={"level": percent, "charging": False})
        self._change(replace(self._shot, battery_percent=percent))

    def set_network(self, network: str) -> None:
        """Change from wifi to cellular or back."""
        self._note("device.connectivity", data={"state": network})
        self._change(replace(self._shot, network=network))

    def note(self, category: str, message: str, level: str) -> None:
        """Leave a breadcrumb that the app's developers wrote themselves."""
        self._note(category, message=message, level=level)

    def report(self, name: str) -> None:
        """Let the app report an error that it handled."""
        self.take.problems.append(Problem(self.now_ms, name, self.take.visits[-1]))

    def crash(self, name: str) -> None:
        """Let the app die, which ends the take."""
        self.report(name)
        self._leave_screen()
        self.take.ended_ms = self.now_ms

    def _change(self, shot: Shot) -> None:
        self._shot = replace(shot, at_ms=self.now_ms)
        self.take.shots.append(self._shot)

    def _leave_screen(self) -> None:
        for visit in self.take.visits[-1:]:
            visit.ended_ms = visit.ended_ms or self.now_ms

    def _note(
        self, category: str, *, message: str | None = None, level: str | None = None,
        data: JsonObject | None = None, after_ms: int = 0,
    ) -> None:  # fmt: skip
        crumb = Crumb(self.now_ms + after_ms, category, message, level, data or {})
        self.take.crumbs.append(crumb)

    def _find(self, view_id: str, tag: str) -> Box:
        screen = screens.lay_out(self._shot.scene, phone_of(self._shot, ""))
        return hierarchy.find(screen, view_id, tag)

    def _near_middle(self, control: Box) -> tuple[float, float]:
        phone = phone_of(self._shot, "")
        x, y = control.rect.within(phone.width, phone.height).centre
        off_x, off_y = (self._dice.share() - 0.5 for _ in range(2))
        return (
            round(x + off_x * min(40, control.rect.width / 3), 1),
            round(y + off_y * min(24, control.rect.height / 3), 1),
        )

    def _touch(
        self, kind: Literal["start", "end", "move"], path: tuple[tuple[int, float, float], ...],
        *, after_ms: int = 0,
    ) -> None:  # fmt: skip
        self.take.touches.append(Touch(self.now_ms + after_ms, kind, path))

    def _send_moves(self, began_ms: int, path: list[tuple[int, float, float]]) -> None:
        waiting: list[tuple[int, float, float]] = []
        for position in path:
            waiting.append(position)
            if position[0] - waiting[0][0] > _MOVES_SENT_AFTER_MS:
                shown = tuple((at_ms - position[0], x, y) for at_ms, x, y in waiting)
                self._touch("move", shown, after_ms=position[0] - began_ms)
                waiting = []


def _way(move: tuple[int, int]) -> str:
    if abs(move[0]) > abs(move[1]):
        return "left" if move[0] < 0 else "right"
    return "up" if move[1] < 0 else "down"


def letters(words: str) -> list[str]:
    """Return what stands in a field after each letter."""
    return [words[: end + 1] for end, _ in pairwise(range(len(words) + 1))]
