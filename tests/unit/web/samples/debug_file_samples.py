"""Values of the pages about debug files: full ones, empty ones, with long words."""

from dataclasses import replace
from datetime import timedelta

from app.core.ids import EventId
from app.symbolication.model import MissingDebugFile
from app.web.debug_files.page import (
    DebugFileFilterForm,
    DebugFileRow,
    DebugFilesPage,
    DeleteDebugFilesPage,
    DeletedFileRow,
    MissingFileRow,
    ReleaseFilesRow,
)
from app.web.issue import page as issue, stacks
from app.web.urls import project_urls
from app.web.words import charts
from app.web.words.debug_files.hints import build_debug_file_hint, build_debug_file_hints
from app.web.words.debug_files.names import KIND_WORDS
from app.web.words.replay.facts import Fact
from tests.support.recorded.debug_samples import load_sample_event
from tests.unit.web.samples.issue_samples import HEAD
from tests.unit.web.samples.made_up import NOW, PROJECT

RELEASE = "com.acme.shop@2.4.0+240"
LONG_RELEASE = "com.acme.shop.with.a.long.package.name@2.4.0-beta.4+20261124143305"
UUID = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"
ELF_ID = "f8da01d5-9310-740f-7bd8-047945a69039"
MAP_ID = "8ad3141f-51c4-4c79-acd0-f3a0318ac699"
MISSING = (
    MissingDebugFile(kind="proguard", debug_id=UUID, frames=14),
    MissingDebugFile(
        kind="elf", debug_id=ELF_ID, name="libshop.so", arch="arm64", frames=9, reason="stripped"
    ),
    MissingDebugFile(
        kind="artifact_bundle",
        debug_id=MAP_ID,
        name="app:///index.android.bundle",
        frames=3,
        reason="not_in_map",
        detail="1:4656",
    ),
    MissingDebugFile(kind="proguard", debug_id=ELF_ID, frames=2, reason="no_lines"),
    MissingDebugFile(kind="jvm_source_bundle", debug_id=MAP_ID, frames=1),
    MissingDebugFile(kind="macho", debug_id=MAP_ID, name="Shop", frames=1),
)


def file_row(**changes: object) -> DebugFileRow:
    """Make a mapping in the list."""
    row = DebugFileRow(
        file_id="a" * 32,
        name="mapping.txt",
        kind="R8 or ProGuard mapping",
        debug_ids=(UUID,),
        more_ids=0,
        release=RELEASE,
        dist=None,
        cpu_name=None,
        gives=("clear names", "lines"),
        remark=None,
        size_bytes=52_428_800,
        uploaded_at=NOW - timedelta(hours=3),
        uploaded_by="with the token GitHub Actions",
        last_used_day="24 Nov 2026",
    )
    return replace(row, **changes)  # type: ignore[arg-type]  # names of fields


FILES = (
    file_row(),
    file_row(file_id="b" * 32, name="libshop.so", kind="ELF symbols", cpu_name="arm64",
             release=None, debug_ids=(ELF_ID,), gives=("functions",),
             remark="stripped: no debug info", last_used_day=None, uploaded_by="by hand"),
    file_row(file_id="c" * 32, name="artifact-bundle.zip", kind="Source maps", dist="240",
             debug_ids=(MAP_ID, UUID, ELF_ID), more_ids=318, gives=("source code",)),
    file_row(file_id="d" * 32, name="Shop" * 20, kind="dSYM", release=LONG_RELEASE,
             gives=("functions", "lines", "source code"), cpu_name="arm64e"),
)  # fmt: skip
PAGE = DebugFilesPage(
    project_id=PROJECT,
    name="Cartwheel Android",
    may_upload=True,
    may_delete=True,
    set_up_href=project_urls.set_up(PROJECT),
    total=1_204,
    stored_bytes=3_328_599_654,
    limit_bytes=20 * 1024**3,
    missing=tuple(
        MissingFileRow(
            build_debug_file_hint(file, is_of_one_event=False),
            1_211 // number,
            NOW - timedelta(hours=number),
            f"/projects/318/events/{number}",
        )
        for number, file in enumerate(MISSING, 1)
    ),
    more_missing=3,
    missing_days=30,
    releases=(
        ReleaseFilesRow(
            RELEASE,
            project_urls.debug_files(PROJECT, release=RELEASE),
            (("R8 or ProGuard mapping", 1), ("ELF symbols", 4), ("Java and Kotlin source code", 1)),
            73_400_320,
            NOW - timedelta(hours=3),
            "24 Nov 2026",
        ),
        ReleaseFilesRow(LONG_RELEASE, "/r", (("dSYM", 12),), 9_400_320, NOW, None),
        ReleaseFilesRow(None, None, (("ELF symbols", 1_181),), 3_000_000_000, NOW, None),
    ),
    files=FILES,
    matching=1_204,
    form=DebugFileFilterForm(),
    kinds=tuple((kind.value, words) for kind, words in KIND_WORDS.items()),
    back_href="/projects/318/debug-files?before=1#files",
    next_href="/projects/318/debug-files?after=1#files",
    deleted=(
        DeletedFileRow("mapping.txt", "R8 or ProGuard mapping", UUID, RELEASE, "by hand",
                       "Ada Lovelace", 9_500_000, NOW, is_swept=True),
        DeletedFileRow("Shop", "dSYM", None, None, "nothing needed it any more", None, 41_000_000,
                       NOW - timedelta(days=2), is_swept=False),
    ),
)  # fmt: skip
EMPTY = replace(
    PAGE, may_upload=False, may_delete=False, total=0, stored_bytes=0, missing=(), more_missing=0,
    releases=(), files=(), matching=0, back_href=None, next_href=None, deleted=(),
)  # fmt: skip
NOTHING_MATCHES = replace(
    PAGE, form=DebugFileFilterForm(text="libnothing.so", kind="elf"), files=(), matching=0,
    missing=(), more_missing=0, releases=(), deleted=(), back_href=None, next_href=None,
    problems=("Notes.txt cannot be used: it has none of the forms that are read.",),
)  # fmt: skip
DELETE = DeleteDebugFilesPage(
    project_id=PROJECT,
    name="Cartwheel Android",
    total=318,
    files=FILES,
    file_ids=(),
    form=DebugFileFilterForm(release=LONG_RELEASE),
    back_href="/projects/318/debug-files",
)

_EVENT = load_sample_event("elf-arm64")
EVENT = issue.EventBlock(
    event_id=EventId("6" * 32),
    href="/projects/318/issues/7/events/6",
    at=NOW,
    sender_clock=None,
    received_at=NOW,
    newest_href=None,
    newer_href=None,
    older_href="/projects/318/issues/7/events/5",
    oldest_href="/projects/318/issues/7/events/1",
    facts=(Fact("Release", RELEASE), Fact("Device", "Pixel 9"), Fact("System", "Android 16")),
    message=None,
    symbolication=issue.Symbolication(
        choice=issue.StackChoice(
            is_as_sent=False,
            readable_href="/projects/318/issues/7/events/6#stack",
            sent_href="/projects/318/issues/7/events/6?stack=sent#stack",
        ),
        hints=build_debug_file_hints(MISSING),
        is_pending=False,
        again_href="/projects/318/issues/7/events/6/symbolicate",
        set_up_href=project_urls.set_up(PROJECT),
        debug_files_href=project_urls.debug_files(PROJECT),
    ),
    stacks=stacks.build_stacks(_EVENT),
    threads=stacks.build_threads(_EVENT),
    crumbs=(),
    tables=(),
    files=(),
    file_total=0,
    file_part=None,
    hierarchy=(),
    preview=None,
    missing_replay=None,
    removals=(),
    grouped_by="the types and the app's own frames of its stack trace",
    grouped_parts=("SIGSEGV", "libshop.so"),
)
ISSUE = issue.IssuePage(
    HEAD,
    EVENT,
    day=charts.draw_hours({}, NOW),
    month=charts.draw_days({}, NOW),
    releases=(RELEASE,),
    release_part=None,
    tags=(),
    hidden_tags=0,
    tagged_events=1_211,
)
PENDING = replace(
    ISSUE,
    event=replace(
        EVENT,
        symbolication=replace(
            EVENT.symbolication,
            choice=replace(EVENT.symbolication.choice, is_as_sent=True),  # type: ignore[type-var]  # is set
            hints=build_debug_file_hints(MISSING[4:5]),
            is_pending=True,
            again_href=None,
        ),
    ),
)
PAGES: dict[str, tuple[str, object]] = {
    "debug files": ("debug_files/page.html", PAGE),
    "debug files, empty": ("debug_files/page.html", EMPTY),
    "debug files, nothing matches": ("debug_files/page.html", NOTHING_MATCHES),
    "debug files, delete": ("debug_files/delete.html", DELETE),
    "issue, missing debug files": ("issue/page.html", ISSUE),
    "issue, stack as sent": ("issue/page.html", PENDING),
}
"""The template and the page value of each sample, by name."""
