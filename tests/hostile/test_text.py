"""H8, H9: text made to break Postgres, logs, headers, names, pages and scrub rules."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text

from app.core import clock
from app.db.engine import Database
from app.scrub import walk
from app.scrub.places import PayloadKind
from app.scrub.rules import ScrubRules
from tests.support import programme_size
from tests.support.builders import envelopes, item_payloads, recordings
from tests.support.builders.traffic import client
from tests.support.builders.wire import REPLAY_ID
from tests.support.report import Report
from tests.support.servers import process
from tests.support.servers.process import LaunchOptions
from tests.support.servers.server import keyed, running

FORGED: Final = '\r\n{"event": "forged", "level": "audit"}\r\n'
TEXTS: Final = (
    "\0", "a\0b", "\ud800", "\udfff\ud800", "\u202etxt.exe\u2066", FORGED, "\x1b[2J\x1b]0;x\x07",
    "<script>window.__canary=1</script>", "\"'><img src=x onerror=alert(1)>", "%s%n{0}${jndi:x}",
    "../../../etc/passwd", "\ufdd0\uffff" * 20_000,
)  # fmt: skip
STRUCTURE: Final = {
    "event_id", "replay_id", "trace_id", "span_id", "parent_span_id", "type", "timestamp", "sid",
    "start_timestamp", "replay_start_timestamp", "platform", "op", "status", "started",
}  # fmt: skip
"""Members that say what an item is; the values of all others are text."""


def replace_texts(value: Any, words: str) -> Any:
    """Return a value in which these words replace every text but the structure."""
    if isinstance(value, dict):
        return {
            key: member
            if key in STRUCTURE and isinstance(member, str)
            else replace_texts(member, words)
            for key, member in value.items()
        } | {words[:200]: words}
    if isinstance(value, list):
        return [replace_texts(member, words) for member in value]
    return words if isinstance(value, str) else value


def hostile_envelopes(number: int, words: str) -> Iterator[bytes]:
    """Yield one envelope of each kind, in which these words replace every text."""
    event_id = f"{number:032x}"
    payloads_by_type = {
        name: replace_texts(payload, words)
        for name, payload in item_payloads.json_payloads(event_id).items()
    }
    payloads_by_type[words] = {"a": words}
    for kind, payload in payloads_by_type.items():
        header = envelopes.envelope_header(event_id=event_id, trace_id=None)
        header |= {"sdk": {"name": words, "version": words}}
        body = json.dumps(payload).encode()
        name = json.dumps({"type": kind, "length": len(body), "item_count": 1}).encode()
        yield json.dumps(header).encode() + b"\n" + name + b"\n" + body + b"\n"
    files = {"filename": words, "content_type": words, "attachment_type": words}
    yield (
        envelopes.event_envelope(event_id[::-1])
        + json.dumps({"type": "attachment", "length": 3, **files}).encode()
        + b"\nabc\n"
    )
    crumbs = replace_texts([recordings.breadcrumb("a", message="b", data={"c": "d"})], words)
    yield envelopes.replay_video_envelope(
        number,
        recording_bytes=b'{"segment_id":0}\n' + json.dumps(crumbs).encode(),
        trace_id=None,
        urls=[words.encode("utf-8", "replace").decode()],
    )


async def test_hostile_text_is_taken_or_refused(
    database_url: str, tmp_path: Path, report: Report
) -> None:
    """Twelve texts in every field are taken or refused, and forge no line in the log."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    await database.close()
    log_file = tmp_path / "log"
    sent_count = 0
    options = LaunchOptions(log_file=log_file)
    with process.launch_and_wait(
        database_url, tmp_path / "data", options, log_level="DEBUG"
    ) as server:
        async with client(server.base_url) as sender:
            for number, words in enumerate(TEXTS):
                for body in hostile_envelopes(number, words):
                    answer = await sender.post(
                        f"/api/{to.id}/envelope/",
                        content=body,
                        headers=envelopes.headers(to.key, encoding=None),
                    )
                    assert answer.status_code in (200, 400, 413), (words[:20], answer.text)
                    sent_count += 1
        await process.wait_until_digested(server)
    lines = [json.loads(line) for line in log_file.read_text("utf-8").splitlines()]
    assert not [line for line in lines if line["event"] == "forged" or line["level"] == "audit"]
    async with running(database_url, tmp_path / "data") as started:
        async with started.database.reading() as connection:
            quarantined = await connection.scalar(text("select count(*) from quarantine"))
        page = await started.web.get(started.page(REPLAY_ID))
        outcomes = await started.outcomes()
    assert quarantined == 0
    assert page.status_code == 200
    assert "<script>window.__canary" not in page.text
    assert "<img src=x" not in page.text
    kept_count = sum(n for (_, outcome, _), n in outcomes.items() if outcome == "kept")
    report.round(envelopes=sent_count, kept=kept_count, log_lines=len(lines))
    assert kept_count > sent_count // 2


SIZE: Final = programme_size.rounds(ci=100_000, nightly=1_000_000)
EVIL: Final = (
    "a", "(", "1111 ", "4111-", "a@", "a.b@", "://", "https://a:", "=", "password", "token=",
    "Bearer ", "eyJ", "-----BEGIN ", "00:", "+49 ", '\\"', "\"'`", "&amp;", "%40", "/home/",
    "C:\\Users\\", "DE00", "1.", "a-", "\u00e9", "?a=b&", '{"a":', "x@x", "9",
    "cookie: a\n", "key=x&", "6 6",
)  # fmt: skip
"""Texts that, repeated to a megabyte, start a match of some rule everywhere or match all over."""


@pytest.mark.parametrize(
    "words", [frozenset[str](), frozenset({"(a+)+$", "(.*)*x", "[a-", "a" * 500})]
)
def test_no_text_makes_a_rule_slow(words: frozenset[str], report: Report) -> None:
    """A megabyte that a backtracking matcher would never finish is scrubbed, own words or not."""
    rules = ScrubRules(sensitive_keys=words, phones=True, imeis=True, scrub_ip=True)
    for piece in EVIL:
        evil = piece * (SIZE // len(piece))
        started_s = clock.monotonic_s()
        event = {"message": evil, "stacktrace": {"frames": [{"context_line": evil}]}}
        scrubbed = walk.scrub_json(event, rules, kind=PayloadKind.EVENT)
        took_ms = round((clock.monotonic_s() - started_s) * 1_000)
        report.round(texts=2, text=piece, slowest_ms=took_ms)
        assert set(scrubbed.value) == set(event)
