"""The runbook is true: its messages, metrics, commands, links and alerts exist."""

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import click
import pytest
import typer
import yaml  # type: ignore[import-untyped]  # the package carries no types

from app.cli.root import app as cli

ROOT: Final = Path(__file__).resolve().parents[2]
RUNBOOK: Final = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
ALERTS: Final = ROOT / "deploy" / "monitoring" / "alerts.yaml"
ANY: Final = "…"
"""Stands for a value, in the runbook and in the texts of the program."""
HEADING: Final = re.compile(r"^## (.+)$", re.MULTILINE)
PROGRAM: Final = "playhead"


def write_anchor(heading: str) -> str:
    """Write the anchor that a heading has on the pages of the usual hosts."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def list_sections() -> dict[str, str]:
    """Return the text of each part of the runbook, by its anchor."""
    _, *pieces = HEADING.split(RUNBOOK)
    return dict(zip(map(write_anchor, pieces[::2]), pieces[1::2], strict=True))


def list_quoted() -> list[str]:
    """Return what the runbook quotes, each on one line."""
    return sorted({" ".join(text.split()) for text in re.findall(r"“([^”]+)”", RUNBOOK)})


def list_commands() -> list[str]:
    """Return every command line in a block, and `playhead …` within a sentence."""
    blocks = re.findall(r"^```\n(.*?)^```$", RUNBOOK, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return lines + re.findall(rf"`({PROGRAM} [^`…]+)`", RUNBOOK)


@cache
def read_program_texts() -> str:
    """Read all texts of the program, with `…` in place of values."""
    texts: list[str] = []
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                texts.append("".join(_write_part(part) for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(" ".join(text.split()) for text in texts)


def _write_part(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else ANY


@pytest.mark.parametrize("quoted", list_quoted())
def test_a_quoted_message_is_one_of_the_program(quoted: str):
    """Each message stands in the program word for word; `…` is a value, or a message cut short."""
    parts = [re.escape(part.strip()) for part in quoted.split(ANY) if part.strip(" .:")]
    assert parts, f"“{quoted}” says nothing"
    assert re.search(".*".join(parts), read_program_texts()), f"nobody says “{quoted}”"


def test_messages_are_quoted():
    """The list of the test before is not empty by mistake."""
    assert len(list_quoted()) > 30


def test_metrics_of_the_runbook_exist():
    """Each metric is one that docs/metrics.md describes."""
    documented = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(playhead_[a-z_]+[a-z])\b", RUNBOOK))
    assert len(named) > 15
    assert [name for name in sorted(named) if f"`{name}`" not in documented] == []


@pytest.mark.parametrize("line", [line for line in list_commands() if line.startswith(PROGRAM)])
def test_a_command_of_the_runbook_can_be_given(line: str):
    """Each `playhead …` names a command and options that exist, with the arguments it needs."""
    command: Any = typer.main.get_command(cli)
    words = shlex.split(line)[1:]
    while isinstance(command, click.Group | typer.core.TyperGroup):
        name = words.pop(0)
        assert name in command.commands, f"there is no {name}"
        command = command.commands[name]
    command.make_context(command.name, words, resilient_parsing=False)


def test_other_commands_of_the_runbook_are_whole():
    """Each line of a block can be read by a shell, and each address is one that Playhead has."""
    lines = list_commands()
    assert len(lines) > 40
    for line in lines:
        assert shlex.split(line)
        for path in re.findall(r"127\.0\.0\.1:8000(/\S*)", line):
            assert path in {"/health/live", "/health/ready", "/metrics"}


def test_every_alert_leads_to_its_part_and_is_named_there():
    """Whoever is woken by an alert finds its name where it leads; no part names another alert."""
    (group,) = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    sections = list_sections()
    led_to: dict[str, set[str]] = {anchor: set() for anchor in sections}
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        file, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert file == "docs/runbook.md"
        led_to[anchor].add(rule["alert"])
    named = {
        anchor: set(re.findall(r"`(Playhead[A-Z]\w+)`", text)) for anchor, text in sections.items()
    }
    assert named == led_to


def test_links_of_the_runbook_lead_somewhere():
    """Each anchor, here and in other documents, is that of a heading."""
    for file, anchor in _list_links():
        text = RUNBOOK if not file else (ROOT / "docs" / file).read_text(encoding="utf-8")
        headings = {write_anchor(each) for each in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
        assert not anchor or anchor in headings, f"{file}#{anchor}"


def _list_links() -> Iterator[tuple[str, str]]:
    for link in re.findall(r"\]\(([^)]+)\)", RUNBOOK):
        file, _, anchor = link.partition("#")
        yield file, anchor


def test_every_part_is_whole():
    """Each part says what one sees, what to do, and how to see that it is over."""
    sections = list_sections()
    assert len(sections) == 14
    for anchor, text in sections.items():
        assert "**It is over**" in text, anchor
        assert "```" in text, anchor
