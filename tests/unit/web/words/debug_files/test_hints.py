"""The page of an event names the file that it lacks, and the command that uploads it."""

import shlex

import pytest

from app.symbolication.model import MissingDebugFile
from app.web.words.debug_files.hints import (
    MOST_HINTS,
    DebugFileHint,
    build_debug_file_hint,
    build_debug_file_hints,
)

ID = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"
TABLE = [
    (
        MissingDebugFile(kind="proguard", debug_id=ID, frames=14),
        f"Mapping `{ID}` was not uploaded, so 14 frames are obfuscated.",
        f"sentry-cli upload-proguard --uuid {ID} mapping.txt",
    ),
    (
        MissingDebugFile(kind="proguard", debug_id=ID, frames=1, reason="no_lines"),
        f"Mapping `{ID}` has no line numbers, so 1 frame shows no line.",
        "",
    ),
    (
        MissingDebugFile(
            kind="proguard", debug_id=ID, frames=2, reason="not_in_map", detail="a.b.c"
        ),
        (
            f"Mapping `{ID}` was uploaded, but class `a.b.c` is not in the map, so 2 frames are"
            " obfuscated. It is the map of another build."
        ),
        f"sentry-cli upload-proguard --uuid {ID} mapping.txt",
    ),
    (
        MissingDebugFile(
            kind="elf", debug_id=ID, name="/data/app/x/libshop.so", arch="arm64", frames=3
        ),
        (
            f"Debug symbols of `libshop.so` (`{ID}`, arm64) were not uploaded, so 3 frames have no"
            " names."
        ),
        "sentry-cli debug-files upload path/to/unstripped",
    ),
    (
        MissingDebugFile(kind="elf", debug_id=ID, name="libshop.so", frames=3, reason="stripped"),
        (
            f"Debug symbols of `libshop.so` (`{ID}`) were uploaded stripped (no debug info), so 3"
            " frames have no names. Upload the unstripped file: it has the same id."
        ),
        "sentry-cli debug-files upload path/to/unstripped",
    ),
    (
        MissingDebugFile(kind="elf", debug_id=ID, name="libshop.so", frames=2, reason="no_lines"),
        f"Debug symbols of `libshop.so` (`{ID}`) have no line numbers, so 2 frames show no lines.",
        "",
    ),
    (
        MissingDebugFile(kind="elf", debug_id=ID, name="libapp.so", frames=5),
        f"Debug symbols of `libapp.so` (`{ID}`) were not uploaded, so 5 frames have no names.",
        "sentry-cli debug-files upload build/symbols",
    ),
    (
        MissingDebugFile(kind="macho", debug_id=ID, name="Shop", arch="arm64", frames=4),
        f"Debug symbols of `Shop` (`{ID}`, arm64) were not uploaded, so 4 frames have no names.",
        "sentry-cli debug-files upload --include-sources path/to/dSYMs",
    ),
    (
        MissingDebugFile(
            kind="artifact_bundle", debug_id=ID, name="app:///index.android.bundle", frames=4
        ),
        (
            f"Source map of `app:///index.android.bundle` (debug id `{ID}`) was not uploaded, so 4"
            " frames are minified."
        ),
        (
            "sentry-cli react-native gradle --bundle index.android.bundle"
            " --sourcemap index.android.bundle.map"
        ),
    ),
    (
        MissingDebugFile(
            kind="artifact_bundle",
            debug_id=None,
            name="app:///index.android.bundle",
            release="com.acme.shop@1.0+7",
            dist="7",
            frames=4,
        ),
        (
            "Source map of `app:///index.android.bundle` (release `com.acme.shop@1.0+7`, dist `7`)"
            " was not uploaded, so 4 frames are minified."
        ),
        (
            "sentry-cli react-native gradle --bundle index.android.bundle"
            " --sourcemap index.android.bundle.map --release com.acme.shop@1.0+7 --dist 7"
        ),
    ),
    (
        MissingDebugFile(
            kind="artifact_bundle", debug_id=ID, name="app:///main.jsbundle", frames=1
        ),
        (
            f"Source map of `app:///main.jsbundle` (debug id `{ID}`) was not uploaded, so 1 frame"
            " is minified."
        ),
        "sentry-cli sourcemaps upload --debug-id-reference main.jsbundle main.jsbundle.map",
    ),
    (
        MissingDebugFile(
            kind="artifact_bundle",
            debug_id=ID,
            name="https://shop.example/a.js",
            frames=1,
            reason="not_in_map",
            detail="1:4656",
        ),
        (
            f"Source map of `https://shop.example/a.js` (debug id `{ID}`) was uploaded, but"
            " position `1:4656` is not in the map, so 1 frame is minified."
            " It is the map of another build."
        ),
        "sentry-cli sourcemaps upload path/to/dist",
    ),
    (
        MissingDebugFile(kind="artifact_bundle", debug_id=None, name="https://x/a.js"),
        (
            "Source map of `https://x/a.js` (the event names neither a debug id nor a release) was"
            " not uploaded."
        ),
        "sentry-cli sourcemaps upload --release RELEASE path/to/dist",
    ),
    (
        MissingDebugFile(kind="jvm_source_bundle", debug_id=ID, frames=2),
        f"Source code of the app `{ID}` was not uploaded, so 2 frames show no source code.",
        (
            f"sentry-cli debug-files bundle-jvm --debug-id {ID} --output build/sources"
            " app/src/main/java\nsentry-cli debug-files upload --type jvm build/sources"
        ),
    ),
    (
        MissingDebugFile(kind="dart_symbol_map", debug_id=ID),
        f"Map of Dart names `{ID}` was not uploaded, so names of classes are obfuscated.",
        (
            "sentry-cli dart-symbol-map upload build/obfuscation.map.json"
            " build/symbols/app.android-arm64.symbols"
        ),
    ),
]


def write_sentence(hint: DebugFileHint) -> str:
    """Write a sentence with its ids and names in backquotes."""
    return "".join(f"`{part.text}`" if part.is_code else part.text for part in hint.sentence)


@pytest.mark.parametrize(("file", "sentence", "command"), TABLE)
def test_hint_names_the_file_and_its_command(file, sentence, command):
    """A hint says which file is missing, what that does to frames, and what uploads it."""
    hint = build_debug_file_hint(file)
    assert write_sentence(hint) == sentence
    assert "\n".join(step.text for step in hint.steps) == command


def test_five_files_are_named_and_the_others_counted():
    """The files that most frames need are named first; there are five lines at most."""
    missing = [
        MissingDebugFile(kind="elf", debug_id=ID, name=f"lib{number}.so", frames=number)
        for number in range(8)
    ]
    hints = build_debug_file_hints(missing)
    assert len(hints.hints) == MOST_HINTS
    assert "`lib7.so`" in write_sentence(hints.hints[0])
    assert hints.more == 3
    assert build_debug_file_hints([]).hints == ()


@pytest.mark.parametrize(
    "hostile",
    [
        "$(touch /tmp/x)",
        "`id`; rm -rf ~",
        "a'b\"c",
        "--auth-token",
        "x\n rm -rf ~",
        "x\x03rm",
        "x\u202ey",
        "x" * 5_000,
        "",
    ],
)
def test_nothing_of_an_event_escapes_its_argument(hostile):
    """Values of an event are one argument of the command, or a word in capitals."""
    by_release = MissingDebugFile(
        kind="artifact_bundle",
        debug_id=None,
        name=f"app:///{hostile}.android.bundle",
        release=hostile,
        dist=hostile,
    )
    by_id = MissingDebugFile(kind="proguard", debug_id=hostile)
    for file, number in ((by_release, 11 if hostile else 9), (by_id, 5)):
        (step,) = build_debug_file_hint(file).steps
        arguments = shlex.split(step.text)
        assert step.text.isprintable()
        assert len(arguments) == number
        assert "--auth-token" not in arguments
