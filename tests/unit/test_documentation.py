"""The documentation is complete and true where a program can check it."""

import re
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from app.cli.root import app as cli
from app.core.errors import RateLimited, RequestRefused
from app.core.settings import Settings
from app.ingest.item_types import BY_NAME, IGNORED_TYPES
from app.memberships.model import Role
from app.projects.model import LimitReason, Outcome
from app.web.words.people.roles import ROLE_WORDS

ROOT: Final = Path(__file__).resolve().parents[2]
DOCUMENTS: Final = sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))
SOURCES: Final = ("app", "bench", "migrations", "static", "templates", "tests", "tools")
LONGEST: Final = {".py": 400, ".js": 250, ".css": 200}
CODE: Final = {*LONGEST, ".html", ".sh"}

# Written in parts, so that this file does not name them either.
REGISTRIES: Final = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("quay", "io"),
        ("deb", "debian", "org"),
    )
)

_LINK: Final = re.compile(r"\]\((?!https?:)([^)#]+)")
_SETTING: Final = re.compile(r"PLAYHEAD_[A-Z0-9_]+")
_UNNUMBERED: Final = re.compile(r"\b(?:" + "TO" + r"DO|FIX" + r"ME)\b(?!\(#\d+\):)")
_CITED: Final = re.compile(r"docs/protocol\.md[^\d\n]*((?:\d+(?:\.\d+)?(?:, | and | to )?)+)")
_NAME: Final = re.compile(r"`([a-z_]+)`")
_REASONS: Final = (
    re.compile(r'Outcome\.REFUSED,\s*"(\w+)"'),
    re.compile(r'refuse_envelope\(\s*\w+,\s*"(\w+)"'),
    re.compile(r'refusals\.refuse\(\s*\w+,\s*[^,]+,\s*"(\w+)"'),
)


def read_text(name: str) -> str:
    """Read the text of a file of this repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def list_sources() -> Iterator[Path]:
    """Yield every file of code."""
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in CODE and "node_modules" not in path.parts:
                yield path


def list_recipes() -> Iterator[Path]:
    """Yield every file of `deploy`."""
    yield from (path for path in sorted(ROOT.glob("deploy/**/*")) if path.is_file())


def list_texts() -> Iterator[Path]:
    """Yield every file that a person may read, locks and settings included."""
    yield from list_sources()
    yield from DOCUMENTS
    for pattern in ("*", ".*", ".ci/*", "deploy/**/*", "requirements/*"):
        yield from (
            path
            for path in sorted(ROOT.glob(pattern))
            if path.is_file() and path.name not in {".git", ".coverage"}
        )


def list_commands(group: typer.Typer, name: str) -> Iterator[str]:
    """Yield the full names of all commands of a group."""
    for command in group.registered_commands:
        yield f"{name} {command.name}"
    for subgroup in group.registered_groups:
        if subgroup.typer_instance is not None:
            yield from list_commands(subgroup.typer_instance, f"{name} {subgroup.name}")


def list_subclasses(parent: type[RequestRefused]) -> Iterator[type[RequestRefused]]:
    """Yield the class and all classes below it."""
    yield parent
    for child in parent.__subclasses__():
        yield from list_subclasses(child)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_a_setting_is_documented_with_its_default(name: str):
    """Each setting has a row in docs/settings.md, with its default."""
    rows = [
        line
        for line in read_text("docs/settings.md").splitlines()
        if line.startswith(f"| `PLAYHEAD_{name.upper()}` |")
    ]
    assert len(rows) == 1
    default: Any = Settings.model_fields[name].default
    assert f"`{default}`" in rows[0] or default in (None, "")


def test_options_of_serve_are_documented():
    """The head of docs/settings.md names each option that overrides a setting."""
    head = read_text("docs/settings.md").partition("| Variable |")[0]
    serve = next(command for command in cli.registered_commands if command.name == "serve")
    assert serve.callback is not None
    options = ["--" + name.replace("_", "-") for name in signature(serve.callback).parameters]
    assert "--workers" in options
    assert [option for option in options if f"`{option}`" not in head] == []


@pytest.mark.parametrize("right", ["share links", "without an account", "clips", "debug files"])
def test_rights_of_members_that_lead_outside_are_told(right: str):
    """Page, commands and guide say what a member can show to others or bring in."""
    rows = read_text("docs/people.md").splitlines()
    row = next(line for line in rows if line.startswith("| Member |"))
    assert right in row
    assert right in ROLE_WORDS[Role.MEMBER]


def test_documents_name_only_settings_that_exist():
    """The program reads every variable that a document or a recipe names."""
    known = {f"PLAYHEAD_{name.upper()}" for name in Settings.model_fields}
    recipes = [ROOT / "Dockerfile", ROOT / "docker-compose.yml", *list_recipes()]
    named = {name for path in (*DOCUMENTS, *recipes) for name in _SETTING.findall(path.read_text())}
    assert named - known == {"PLAYHEAD_TEST_DATABASE_URL", "PLAYHEAD_TEST_S3"}


COMMANDS: Final = sorted(list_commands(cli, "playhead"))


def test_commands_are_found():
    """The commands of the next test include those of groups."""
    assert {"playhead serve", "playhead user link"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented(name: str):
    """Each command has a row in docs/commands.md."""
    assert re.search(rf"^\| `{name}[ `]", read_text("docs/commands.md"), re.MULTILINE)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_outcome_is_documented(outcome: Outcome):
    """Each outcome has a row in docs/outcomes.md."""
    assert f"\n| `{outcome}` |" in read_text("docs/outcomes.md")


@pytest.mark.parametrize("reason", list(LimitReason))
def test_the_reason_of_a_limit_is_documented(reason: LimitReason):
    """Each limit has a row in docs/outcomes.md."""
    assert f"\n| `{reason}` |" in read_text("docs/outcomes.md")


def test_reasons_of_refusal_are_documented():
    """Each reason that the code counts has a row in docs/outcomes.md."""
    reasons = {
        refused.reason
        for refused in list_subclasses(RequestRefused)
        # Limits have a `LimitReason`; other errors with status 429 concern people who sign in.
        if refused.__module__ == RequestRefused.__module__ and not issubclass(refused, RateLimited)
    }
    for path in (ROOT / "app" / "ingest").rglob("*.py"):
        reasons.update(
            reason for pattern in _REASONS for reason in pattern.findall(path.read_text())
        )
    assert {"quarantined", "cut", "key_off"} <= reasons
    page = read_text("docs/outcomes.md")
    assert [reason for reason in sorted(reasons) if f"\n| `{reason}` |" not in page] == []


def test_item_types_are_documented():
    """The table of docs/sdks.md names the kept item types, and in its last row the others."""
    rows = re.findall(r"^\| (`[^|]+) \|", read_text("docs/sdks.md"), re.MULTILINE)
    *kept, ignored = [_NAME.findall(row) for row in rows if _NAME.match(row)]
    assert sorted(name for names in kept for name in names) == sorted(BY_NAME)
    assert sorted(ignored) == sorted(IGNORED_TYPES)


def test_health_endpoints_are_documented():
    """Each health endpoint is in docs/deployment.md."""
    endpoints = [
        path
        for file in ("app/api/metrics.py", "app/api/health_checks.py")
        for path in re.findall(r'@router\.get\("([^"]+)"\)', read_text(file))
    ]
    assert len(endpoints) >= 3
    page = read_text("docs/deployment.md")
    assert [endpoint for endpoint in endpoints if f"`GET {endpoint}`" not in page] == []


def test_make_targets_in_documents_exist():
    """Every make target that a document names exists."""
    targets = set(re.findall(r"^([a-z]+):", read_text("Makefile"), re.MULTILINE))
    named = {
        target
        for path in DOCUMENTS
        for target in re.findall(r"(?:`|^|\d )make ([a-z]+)", path.read_text(), re.MULTILINE)
    }
    assert {"run", "test", "demo", "check"} <= named
    assert named <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.name))
def test_links_between_documents_lead_to_files(path: Path):
    """Links between documents point at files that exist."""
    links = _LINK.findall(path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_guide_is_in_the_list_of_guides():
    """The list of guides leads to each of them."""
    linked = {Path(link).name for link in _LINK.findall(read_text("docs/README.md"))}
    assert {path.name for path in ROOT.glob("docs/*.md")} - {"README.md"} <= linked


def test_keys_of_the_player_are_documented():
    """The guide to watching names each key of the player's own list."""
    listed = read_text("templates/replay/_dialogs.html")
    rows = re.findall(r'\(\(("[^)]+")', listed)
    keys = {key for row in rows for name in re.findall('"([^"]+)"', row) for key in name.split()}
    named = read_text("docs/watching.md").partition("## Keys")[2].partition("##")[0]
    assert {"Space", "Shift", "?", "X", "9"} <= keys
    written = keys - {"Shift", "\N{EN DASH}"}
    assert sorted(key for key in written if f"`{key}`" not in named) == []


def test_cited_sections_of_the_protocol_exist():
    """Each section of docs/protocol.md that the code cites exists."""
    headings = set(re.findall(r"^##+ (\d+(?:\.\d+)?)", read_text("docs/protocol.md"), re.MULTILINE))
    cited = {
        (str(path.relative_to(ROOT)), section)
        for path in list_sources()
        for sections in _CITED.findall(path.read_text())
        for section in re.findall(r"\d+(?:\.\d+)?", sections)
    }
    assert len(cited) > 40
    assert {citation for citation in cited if citation[1] not in headings} == set()


def test_open_work_carries_the_number_of_an_issue():
    """A comment about open work names its issue."""
    places = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in list_sources()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if _UNNUMBERED.search(line)
    ]
    assert places == []


def test_no_file_names_a_registry():
    """The machine decides where packages come from, so no file names a registry."""
    places = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in list_texts()
        for host in REGISTRIES
        if host in path.read_text(errors="replace")
    ]
    assert places == []


def test_files_are_short():
    """No file is longer than the limit for its kind."""
    long_files = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in list_sources()
        if (lines := len(path.read_text().splitlines())) > LONGEST.get(path.suffix, 400)
    ]
    assert long_files == []
