"""Hostile texts: the work of the rules grows no faster than the length of a text."""

import re
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from app.scrub import parameters, sensitive_names, text_scrubber, walk
from app.scrub.finders import cards, commands, named_values, shapes, sql, url_paths
from app.scrub.matching import patterns
from app.scrub.places import PayloadKind
from tests.unit.scrub.test_properties import STRICT


class Work:
    """Counts calls, and the characters that patterns are matched against."""

    def __init__(self) -> None:
        self.done = 0

    def of(self, job: Callable[[], object]) -> int:
        """Return the amount of work that a job causes."""
        self.done = 0
        before = sys.getprofile()
        sys.setprofile(self._count)
        try:
            job()
        finally:
            sys.setprofile(before)
        return self.done

    def _count(self, _frame: object, event: str, _arg: object) -> None:
        self.done += event in {"call", "c_call"}


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Count the work of the rules."""
    counted = Work()
    which = patterns.BytePatternSet.find_matching
    first, every, value = (
        patterns.TextPattern._find_first,
        patterns.TextPattern._find_every,
        named_values._find_value,
    )

    def counting_which(self: patterns.BytePatternSet, data: bytes):
        counted.done += len(data)
        return which(self, data)

    def counting_first(self: patterns.TextPattern, anchor: Any, text: str):
        counted.done += len(text)
        return first(self, anchor, text)

    def counting_every(self: patterns.TextPattern, text: str):
        counted.done += len(text)
        return every(self, text)

    def counting_value(
        text: str, start: int, verdict: sensitive_names.NameVerdict, *, only_quoted: bool
    ):
        text_range = value(text, start, verdict, only_quoted=only_quoted)
        counted.done += text_range[1] - start
        return text_range

    monkeypatch.setattr(named_values, "_find_value", counting_value)
    monkeypatch.setattr(patterns.BytePatternSet, "find_matching", counting_which)
    monkeypatch.setattr(patterns.TextPattern, "_find_first", counting_first)
    monkeypatch.setattr(patterns.TextPattern, "_find_every", counting_every)
    return counted


OPENERS = (
    *("curl sshpass -p x1 ", "mysql redis-cli -a x1 ", "redis-cli mysql -px1 ", "curl mysql -px1 "),
    *("grant set password for x='y1' ", "create user set password for x='y1' "),
    *("create user identified password 'x1' ", "set password for grant identified by 'x1' "),
)
"""The start of a command that never ends, before each command that does."""
EVIL = (
    *("a", "password", "password=a&", 'password="', "password=[", '"password":', "token is "),
    *("4 ", "6 6", "66 ", "4111 1111 1111 1111 ", "4111-", "+49 ", "a@b.", "a@b.co.1.", "//a@"),
    *("Bearer ", "/home/a/"),
    *("-----BEGIN PRIVATE KEY-----", "eyJhbGciOiJIUz.", "GB82 WEST ", "aa:", "1.2.3.4 ", "::"),
    "%2540",
    *("%70%61", "<pin>", "{", "[", '{"a":[', "\\", "\\u0070", "\uff1a", "\uff14", "\ud800"),
    *("api ", "cookie: a\n", "cookie=", "key=x&"),
    *("insert (password) values ('", "insert (token) values (1),", "('a'),(", "create user "),
    "curl ",
    *("create user a identified by b ", "identified by ", "curl -u a:b ", "curl -u ", "mysql -p"),
    *("mysql -pa ", "/token/", "/token/a1b2c3 ", "reset/", "password: Optional(", 'password=Foo("'),
    *OPENERS,
    *("#code=a1b2c3d4", "session=a1b2c3d4&", "%s", "password=%s ", "$p: $", "password: $p "),
)
FORWARD = (
    *(
        value
        for module in (
            parameters,
            cards,
            commands,
            named_values,
            sensitive_names,
            shapes,
            sql,
            text_scrubber,
            url_paths,
        )
        for value in vars(module).values()
    ),
    *named_values._ENDS_OF_QUOTED.values(),
)


@pytest.mark.parametrize("unit", EVIL)
def test_the_work_grows_with_the_length_only(unit: str, work: Work):
    """Four times the text causes about four times the work, for hostile texts too."""

    def scrub(chars: int) -> None:
        text = unit * (chars // len(unit))
        frames = [{"context_line": text}]
        event = {
            "extra": {"x": text, "query": text, "variables": {"p": "a"}},
            "logentry": {"message": text, "params": ["a"]},
            "stacktrace": {"frames": frames},
            "release": f"https://{text}",
        }
        clean = walk.scrub_json(event, STRICT, kind=PayloadKind.EVENT).value
        assert isinstance(clean["extra"]["x"], str)
        assert isinstance(clean["stacktrace"]["frames"][0]["context_line"], str)
        assert isinstance(clean["release"], str)

    scrub(8)
    small, large = work.of(lambda: scrub(2_000)), work.of(lambda: scrub(8_000))
    assert small > 0
    assert large <= 6 * small


@pytest.mark.parametrize("unit", OPENERS)
def test_an_unfinished_command_is_not_followed_before_every_other(unit: str):
    """The work of RE2 is not counted, so CPU time is compared: 8 times is linear, 64 was not."""

    def find(chars: int) -> int:
        text = unit * (chars // len(unit))
        return sum(
            1
            for find in (commands.find_command_passwords, sql.find_account_passwords)
            for _ in find(text)
        )

    def time_s(chars: int) -> float:
        before_s = time.thread_time()
        assert find(chars) > chars // 60
        return time.thread_time() - before_s

    find(1_000)
    small_s, large_s = (min(time_s(chars) for _ in range(3)) for chars in (32_000, 256_000))
    assert large_s < 28 * small_s


@pytest.mark.parametrize("pattern", [value for value in FORWARD if isinstance(value, re.Pattern)])
def test_patterns_of_the_standard_matcher_do_not_backtrack(pattern: re.Pattern[str]):
    """A repeat that is unbounded and not possessive could backtrack for minutes."""

    def repeats(parsed: Any) -> Any:
        for operator, argument in parsed:
            if "REPEAT" in str(operator):
                yield str(operator), argument[1]
            for part in argument if isinstance(argument, list | tuple) else ():
                for member in part if isinstance(part, list) else (part,):
                    if type(member).__name__ == "SubPattern":
                        yield from repeats(member)

    parsed = re._parser.parse(pattern.pattern)  # type: ignore[attr-defined]  # not in the stubs
    greedy = [most for operator, most in repeats(parsed) if "POSSESSIVE" not in operator]
    assert all(most <= 32 for most in greedy)
