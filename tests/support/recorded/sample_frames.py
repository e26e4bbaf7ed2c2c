"""Compares events of the API with what the samples of symbolication expect of them."""

from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any, Final

_NAMES: Final = {
    "module": "module",
    "function": "function",
    "filename": "filename",
    "abs_path": "absPath",
    "lineno": "lineNo",
    "colno": "colNo",
    "in_app": "inApp",
}
"""Members of expected frames, and what they are called in answers of the API."""


def list_differences(answer: Mapping[str, Any], expectation: Mapping[str, Any]) -> list[str]:
    """List where an event differs from what its sample expects; empty if it does not.

    Args:
        answer: The event in Sentry's shape.
        expectation: The `expect.json` of its folder.
    """
    (entry,) = [entry for entry in answer["entries"] if entry["type"] == "exception"]
    values, wanted = entry["data"]["values"], expectation["exceptions"]
    if len(values) != len(wanted):
        return [f"{len(values)} exceptions instead of {len(wanted)}"]
    differences: list[str] = []
    for number, (value, expected) in enumerate(zip(values, wanted, strict=True)):
        differences += [
            f"exception {number}: {name} is {value.get(name)!r} instead of {expected[name]!r}"
            for name in ("type", "module", "value")
            if name in expected
            and value.get(name) != expected[name]
            and not expected.get(f"{name}_optional")
        ]
        frames = (value["stacktrace"] or {"frames": []})["frames"]
        if len(frames) != len(expected["frames"]):
            differences.append(
                f"exception {number}: {len(frames)} frames instead of {len(expected['frames'])}"
            )
            continue
        for place, (frame, expected_frame) in enumerate(
            zip(frames, expected["frames"], strict=True)
        ):
            differences += [
                f"exception {number}, frame {place}: {difference}"
                for difference in _list_frame_differences(frame, expected_frame, expectation)
            ]
    return differences


def _list_frame_differences(
    frame: Mapping[str, Any], expected: Mapping[str, Any], expectation: Mapping[str, Any]
) -> list[str]:
    differences = [
        f"{name} is {frame[_NAMES[name]]!r} instead of {expected[name]!r}"
        for name in _NAMES.keys() & expected.keys()
        if not _is_equal(name, frame[_NAMES[name]], expected, expectation)
    ]
    if "context_line" in expected:
        line = dict(frame["context"]).get(expected["lineno"])
        if line != expected["context_line"]:
            differences.append(f"the source line is {line!r}")
    if expected.get("signature") and frame["rawFunction"] not in (None, expected["signature"]):
        differences.append(f"the signature is {frame['rawFunction']!r}")
    return differences


def _is_equal(
    name: str, got: object, expected: Mapping[str, Any], expectation: Mapping[str, Any]
) -> bool:
    """Compare one member of a frame; some samples say that names differ, or are not told."""
    wanted = expected[name]
    if expected.get("unresolved") and wanted is None:
        return True
    if name == "function" and "function_names" in expectation:
        if expectation["function_names"].startswith("not compared"):
            return True
        wanted, got = _last_component(wanted), _last_component(got)
    if isinstance(wanted, str) and isinstance(got, str):
        return fnmatch(got, wanted) or got == wanted
    return bool(got == wanted)


def _last_component(name: object) -> object:
    return name.replace("#", ".").rpartition(".")[2] if isinstance(name, str) else name
