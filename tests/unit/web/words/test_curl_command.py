"""Tests of "Copy as cURL": what a shell makes of the command, whatever the recording says."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from app.formats.replay.activity import NetworkSpan
from app.web.words.request import exchanges

START_MS = 1_795_468_811_973
URL = "https://a.example/pay?x=1"
_STUB = """#!/bin/sh
printf '%s\\0' "$@" > "$RECORDED"
"""


class Shell:
    """Runs commands as a developer who pastes them, with a curl that writes down its arguments."""

    def __init__(self, folder: Path) -> None:
        self._recorded = folder / "recorded"
        self.work = folder / "work"
        self.work.mkdir()
        programs = folder / "programs"
        programs.mkdir()
        stub = programs / "curl"
        stub.write_text(_STUB)
        stub.chmod(0o755)
        self._environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "RECORDED": str(self._recorded),
        }

    def arguments_of(self, command: str) -> list[str]:
        """Run a command; return the arguments that its one call of curl got."""
        self._recorded.write_bytes(b"")
        subprocess.run(["/bin/sh", "-c", command], cwd=self.work, env=self._environment, check=True)
        assert list(self.work.iterdir()) == []
        recorded = self._recorded.read_bytes().decode("utf-8", "surrogateescape")
        return recorded.removesuffix("\0").split("\0")


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    """One folder for all commands of this module."""
    with tempfile.TemporaryDirectory() as folder:
        yield Shell(Path(folder))


def copied(
    method: str | None = "POST",
    url: str | None = URL,
    *,
    headers: object = None,
    body: object = None,
) -> str | None:
    """Return the command of a recorded request."""
    sent = {"headers": headers or {}, "body": body}
    data = {"request": sent} if headers or body is not None else {}
    span = NetworkSpan(START_MS, START_MS + 400, "http", url, method, 201, 61, 812, data)
    return exchanges.describe_exchange(span).curl


def test_the_command_repeats_the_request(shell: Shell):
    """Method, address, headers and body arrive at curl; the length is left to it."""
    headers = {"Accept": "it's", "Content-Length": "9"}
    command = copied(headers=headers, body={"name": "Ada's"})
    assert command == (
        "curl -X POST --globoff --url 'https://a.example/pay?x=1' \\\n"
        "  -H 'Accept: it'\"'\"'s' \\\n"
        '  --data-raw \'{"name":"Ada\'"\'"\'s"}\''
    )
    assert shell.arguments_of(command) == [
        "-X", "POST", "--globoff", "--url", URL, "-H", "Accept: it's",
        "--data-raw", '{"name":"Ada\'s"}',
    ]  # fmt: skip
    assert copied() == "curl -X POST --globoff --url 'https://a.example/pay?x=1'"


@pytest.mark.parametrize(
    "method",
    [
        "GET;touch pwned;:",
        "$(touch pwned)",
        "`touch pwned`",
        "GET\ntouch pwned",
        "GET\n",
        "-o",
        "G" * 21,
        "POST x",
        "PÖST",
        "",
        None,
    ],
)
def test_what_is_no_method_becomes_get(shell: Shell, method: str | None):
    """A method is a word of up to 20 letters, so it can be neither a command nor an option."""
    command = copied(method)
    assert command is not None
    assert shell.arguments_of(command) == ["-X", "GET", "--globoff", "--url", URL]


@pytest.mark.parametrize("method", ["G", "propfind", "M" * 20])
def test_a_method_of_up_to_twenty_letters_is_kept(shell: Shell, method: str):
    """The method need not be in the standard."""
    command = copied(method)
    assert command is not None
    assert shell.arguments_of(command)[1] == method


@pytest.mark.parametrize(
    "url",
    [
        "-o/tmp/pwned",
        "--config=/tmp/pwned",
        "file:///etc/passwd",
        "gopher://a.example/x",
        "/relative?x=1",
        "http:/one",
        "https://",
        "https:///etc",
        "http://\n-o/tmp/pwned",
        "\nhttp://a.example",
        "javascript:alert(1)",
        "",
        None,
    ],
)
def test_what_is_no_web_address_gives_no_command(url: str | None):
    """Options of curl, files and other protocols can be asked for by no recording."""
    assert copied(url=url) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTPS://a.example/[1-9999]{a,b}", "HTTPS://a.example/[1-9999]{a,b}"),
        ("http://a.example/'$(touch pwned)'", "http://a.example/'$(touch%20pwned)'"),
        ("http://a.example/`id`;id|id&id>x", "http://a.example/`id`;id|id&id>x"),
        ("http://a.example/\n\x03\x1b[201~\x7f\x9b", "http://a.example/%0A%03%1B[201~%7F%C2%9B"),
        ("http://a.example/\u202e", "http://a.example/%E2%80%AE"),
        ("http://a.example/ä", "http://a.example/ä"),
    ],
)
def test_an_address_arrives_as_one_argument(shell: Shell, url: str, expected: str):
    """Quotes keep it from the shell, `--globoff` from curl; controls are percent-encoded."""
    command = copied(url=url)
    assert command is not None
    assert shell.arguments_of(command)[2:] == ["--globoff", "--url", expected]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"@/etc/passwd": "x"}, []),
        ({"X\nY": "x"}, []),
        ({"X: y": "x"}, []),
        ({"": "x"}, []),
        ({"-o": "x"}, ["-H", "-o: x"]),
        ({"X": "@/etc/passwd"}, ["-H", "X: @/etc/passwd"]),
        ({"X": "a\nEvil: b\r\n\x03c"}, ["-H", "X: a Evil: b c"]),
        ({"X": "'; touch pwned; '"}, ["-H", "X: '; touch pwned; '"]),
        ({"X": " "}, ["-H", "X;"]),
        ({"X": ["a", "b"]}, ["-H", "X: a", "-H", "X: b"]),
    ],
)
def test_headers_are_headers_only(shell: Shell, headers: dict[str, object], expected: list[str]):
    """No name reads a file, no value begins a line; what can be no header is left out."""
    command = copied(headers=headers)
    assert command is not None
    assert shell.arguments_of(command)[5:] == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("@/etc/passwd", "@/etc/passwd"),
        ("--next", "--next"),
        ("a\nb\tc", "a\nb\tc"),
        ("a\x03\ntouch pwned\r\n\x1b[201~", "a\ntouch pwned\n[201~"),
        ("'\"\\$(touch pwned)`touch pwned`!!", "'\"\\$(touch pwned)`touch pwned`!!"),
        (["\x03\x7f"], '["\\u0003"]'),
    ],
)
def test_a_body_is_sent_as_it_stands(shell: Shell, body: object, expected: str):
    """A leading `@` names no file; characters that a terminal obeys are dropped."""
    command = copied(body=body)
    assert command is not None
    assert shell.arguments_of(command)[5:] == ["--data-raw", expected]


NASTY_CHARS = "aZ0 '\"\\`$(){}[]<>|&;*?!~#@-=%:/\n\t\r\x00\x03\x1b\x7f\x9bäß\u202e😀"
NASTY = st.text(st.sampled_from(NASTY_CHARS), max_size=12)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.none() | NASTY,
    rest=NASTY,
    headers=st.dictionaries(NASTY, NASTY, max_size=3),
    body=st.none() | NASTY | st.dictionaries(NASTY, NASTY, max_size=2),
)
def test_no_text_becomes_more_than_its_argument(
    shell: Shell, method: str | None, rest: str, headers: dict[str, str], body: object
):
    """The shell calls curl once, with the options that we wrote and one argument for each."""
    command = copied(method, f"https://a.example/{rest}", headers=headers, body=body)
    assert command is not None
    assert all(char in "\n\t" or char.isprintable() or ord(char) > 159 for char in command)
    options = iter(shell.arguments_of(command))
    assert next(options) == "-X"
    assert next(options).isalpha()
    assert [next(options), next(options)] == ["--globoff", "--url"]
    assert next(options).startswith("https://a.example/")
    for option in options:
        assert option in {"-H", "--data-raw"}
        argument = next(options)
        if option == "-H":
            assert not argument.startswith("@")
            assert "\n" not in argument
            assert ":" in argument or argument.endswith(";")
