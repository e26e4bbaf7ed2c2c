"""A8, short: Postgres loses commits, as when an asynchronous standby takes over.

The loss is played: the rows of everything that digest has stored are removed with the mark.
"""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.ingest.digest import digester
from tests.support.builders import envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.faults import invariant
from tests.support.servers.postgres import run_sql
from tests.support.servers.server import Server, running
from tests.support.waiting import until

SEGMENTS = 6
_STORED = """
    journal_marks, segments, replays, packs, outcomes, replay_traces, storage_days, events, issues
"""


async def lose_commits(database_url: str) -> None:
    """Let Postgres forget everything that was stored since the projects were made."""
    await run_sql(database_url, f"truncate {_STORED} cascade")


def settings(**changes: Any) -> dict[str, Any]:
    """Return the settings of a server that keeps released files."""
    return {"journal_keep_s": 60, **changes}


def close_files_at_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the journal begin a new file with every write."""
    monkeypatch.setattr(server.service.ingest.journal._appender, "_file_bytes", 1)


async def check_all_segments(server: Server, segments: int) -> None:
    """Check that every segment is there once, and that nothing else is."""
    await server.outcomes_reach({("replay_video", "kept", ""): segments})
    dump = await server.dump(REPLAY_ID)
    assert [each["segment_id"] for each in dump["segments"]] == list(range(segments))
    assert await invariant.objects_without_rows(server) == []


async def test_lost_commits_are_stored_again_with_the_next_envelope(
    database_url: str, tmp_path: Path
):
    """The next batch finds the mark too low; everything since is read from kept files."""
    async with running(database_url, tmp_path, **settings()) as server:
        await server.take(*(envelopes.replay_video_envelope(n) for n in range(SEGMENTS)))
        await lose_commits(database_url)
        await server.take(envelopes.replay_video_envelope(SEGMENTS))
        await check_all_segments(server, SEGMENTS + 1)
        lost = server.service.ingest.digester.lost_commits
        assert (lost.times, lost.entries_read_again) == (1, SEGMENTS)
        assert lost.entries_lost == 0


async def test_lost_commits_are_found_while_nothing_arrives(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An idle process looks at its mark while it keeps files."""
    monkeypatch.setattr(digester, "_CHECK_S", 0.0)
    monkeypatch.setattr(digester, "_IDLE_S", 0.05)
    async with running(database_url, tmp_path, **settings(journal_file_bytes=64 * 1024)) as server:
        await server.take(*(envelopes.replay_video_envelope(n) for n in range(SEGMENTS)))
        journal = server.service.ingest.journal
        await until(lambda: journal.kept_bytes > 0)
        await lose_commits(database_url)
        await check_all_segments(server, SEGMENTS)


async def test_what_is_gone_is_counted_as_lost(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without kept files, lost commits stay lost; they are counted, and digest goes on."""
    async with running(database_url, tmp_path, **settings(journal_keep_s=0)) as server:
        close_files_at_once(server, monkeypatch)
        await server.take(*(envelopes.replay_video_envelope(n) for n in range(SEGMENTS)))
        await lose_commits(database_url)
        await server.take(envelopes.event_envelope())
        await server.settled()
        lost = server.service.ingest.digester.lost_commits
        assert lost.times == 1
        assert lost.entries_lost + lost.entries_read_again == SEGMENTS
        assert lost.entries_lost > 0
        outcomes = await server.outcomes()
        assert outcomes["event", "kept", ""] == 1
        assert outcomes["replay_video", "kept", ""] == lost.entries_read_again


async def test_a_kept_journal_of_a_stopped_process_goes_when_its_time_is_over(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A stop leaves the files that are kept; the next process digests nothing of them twice."""
    async with running(database_url, tmp_path, **settings()) as server:
        await server.take(*(envelopes.replay_video_envelope(n) for n in range(SEGMENTS)))
        first = server.service.ingest.journal.path
    assert first.exists()
    async with running(database_url, tmp_path, **settings()) as server:
        await until(lambda: server.service.ingest.digester.kept_journals == {first.name})
        assert server.service.ingest.digester.has_adopted
        assert first.exists()
        adopter = server.service.ingest.digester._adopter
        monkeypatch.setattr(adopter, "_keep_s", 0.001)
        await adopter._adopt_all()
        assert not first.exists()
        await check_all_segments(server, SEGMENTS)


async def test_a_mark_that_the_release_before_moved_is_followed(database_url: str, tmp_path: Path):
    """A process of the release before moves a mark past an entry without comparing anything.

    This process finds that with its next batch, claims the mark and goes on after the entry.
    """
    async with running(database_url, tmp_path, **settings()) as server:
        await server.take(*(envelopes.replay_video_envelope(n) for n in range(SEGMENTS)))
        journal_id = server.service.ingest.journal.id
        async with server.database.transaction() as connection:
            moved = await connection.execute(
                text(
                    "insert into journal_marks as mark (journal_id, stored_seq, moved_at)"
                    " values (:id, :seq, now()) on conflict (journal_id) do update"
                    " set stored_seq = excluded.stored_seq, moved_at = excluded.moved_at"
                    " where mark.stored_seq < excluded.stored_seq returning stored_seq"
                ),
                {"id": journal_id, "seq": SEGMENTS + 1},
            )
            assert moved.scalar() == SEGMENTS + 1
        await server.take(envelopes.event_envelope(), envelopes.replay_video_envelope(SEGMENTS))
        assert (await server.outcomes())["replay_video", "kept", ""] == SEGMENTS + 1
        assert server.service.ingest.digester.lost_commits.times == 0
