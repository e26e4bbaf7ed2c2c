"""Writes the commands that upload a debug file, and what lets later builds upload it by themselves.

A developer pastes a command into a shell, and ids, names and releases come from an event: anybody
who knows a DSN can choose them. So each is quoted, none can become an option, and one that a
terminal could act on is replaced by a word in capitals.

Source: `sentry-cli --help` of 3.8; the documentation of the Gradle plugin, of Flutter and of R8.
"""

import shlex
from dataclasses import dataclass
from typing import Final

from app.symbolication.model import DebugFileKindName, MissingDebugFile

_ARGUMENT_CHARS: Final = 250
_FLUTTER_BINARIES: Final = frozenset({"libapp.so", "App", "App.framework"})
"""Binaries that hold the Dart code of a Flutter app, on Android and on iOS."""
_ANDROID_BUNDLE: Final = ".android.bundle"
_IOS_BUNDLE: Final = ".jsbundle"


@dataclass(frozen=True, slots=True)
class UploadStep:
    """One thing to do: what it is for, and the text to copy."""

    label: str
    text: str


_COMMANDS: Final[dict[DebugFileKindName, str]] = {
    "proguard": "sentry-cli upload-proguard --uuid {debug_id} mapping.txt",
    "elf": "sentry-cli debug-files upload path/to/unstripped",
    "macho": "sentry-cli debug-files upload --include-sources path/to/dSYMs",
    "breakpad": "sentry-cli debug-files upload path/to/symbols",
    "pdb": "sentry-cli debug-files upload path/to/pdbs",
    "source_bundle": "sentry-cli debug-files upload --include-sources path/to/unstripped",
    "jvm_source_bundle": (
        "sentry-cli debug-files bundle-jvm --debug-id {debug_id} --output build/sources"
        " app/src/main/java\n"
        "sentry-cli debug-files upload --type jvm build/sources"
    ),
    "dart_symbol_map": (
        "sentry-cli dart-symbol-map upload build/obfuscation.map.json"
        " build/symbols/app.android-arm64.symbols"
    ),
}
"""Commands by the kind of file; that of a source map depends on what the event says."""
_OF_FLUTTER: Final = "sentry-cli debug-files upload build/symbols"

_IN_GRADLE: Final = "In build.gradle.kts"
_NATIVE_LATER: Final = UploadStep(
    _IN_GRADLE, "sentry {\n    uploadNativeSymbols = true\n    includeNativeSources = true\n}"
)
_LATER: Final[dict[DebugFileKindName, UploadStep]] = {
    "proguard": UploadStep(
        _IN_GRADLE,
        "sentry {\n    includeProguardMapping = true\n    autoUploadProguardMapping = true\n}",
    ),
    "elf": _NATIVE_LATER,
    "breakpad": _NATIVE_LATER,
    "source_bundle": _NATIVE_LATER,
    "macho": UploadStep(
        "In the build settings of Xcode, so that each build has a dSYM",
        "DEBUG_INFORMATION_FORMAT = dwarf-with-dsym",
    ),
    "jvm_source_bundle": UploadStep(_IN_GRADLE, "sentry {\n    includeSourceContext = true\n}"),
    "dart_symbol_map": UploadStep(
        "Build with",
        "flutter build appbundle --obfuscate --split-debug-info=build/symbols"
        " --extra-gen-snapshot-options=--save-obfuscation-map=build/obfuscation.map.json",
    ),
}
_FLUTTER_LATER: Final = UploadStep(
    "Build with", "flutter build appbundle --split-debug-info=build/symbols"
)
_WEB_LATER: Final = UploadStep(
    "Before each release, so that maps are found by id", "sentry-cli sourcemaps inject path/to/dist"
)
_KEEP_LINES: Final = UploadStep(
    "In proguard-rules.pro, for all later builds", "-keepattributes SourceFile,LineNumberTable"
)
_NATIVE_LINES: Final = UploadStep("Compile with", "-g")


def is_of_flutter(file: MissingDebugFile) -> bool:
    """Tell whether a native file is the one that holds the Dart code of a Flutter app."""
    return file.kind in ("elf", "macho") and last_path_part(file.name) in _FLUTTER_BINARIES


def write_upload_steps(file: MissingDebugFile) -> tuple[UploadStep, ...]:
    """Write the commands that upload the file which an event lacks."""
    if file.reason == "no_lines":
        return ()  # The file of this build has none, so uploading it once more is of no use.
    if file.kind == "artifact_bundle":
        command = _write_source_map_command(file)
    elif is_of_flutter(file):
        command = _OF_FLUTTER
    else:
        command = _COMMANDS[file.kind].format(debug_id=quote_argument(file.debug_id, "DEBUG_ID"))
    return (UploadStep("Upload it", command),)


def write_later_steps(file: MissingDebugFile) -> tuple[UploadStep, ...]:
    """Write what lets every later build have the file, and upload it."""
    if file.reason == "no_lines":
        return (_KEEP_LINES,) if file.kind == "proguard" else (_NATIVE_LINES,)
    if is_of_flutter(file):
        return (_FLUTTER_LATER,)
    if file.kind == "artifact_bundle":
        return () if _is_of_react_native(file) else (_WEB_LATER,)
    step = _LATER.get(file.kind)
    return (step,) if step else ()


def last_path_part(name: str | None) -> str:
    """Return the last part of the path of a binary, or an empty text."""
    return (name or "").rstrip("/").rpartition("/")[2]


def quote_argument(value: str | None, placeholder: str) -> str:
    """Quote a value for a shell.

    Returns:
        The placeholder for a value that is empty, too long or an option, or has a character that a
        terminal acts on while it is pasted.
    """
    if not value or len(value) > _ARGUMENT_CHARS or value.startswith("-"):
        return placeholder
    return shlex.quote(value) if value.isprintable() else placeholder


def _write_source_map_command(file: MissingDebugFile) -> str:
    release = f" --release {quote_argument(file.release, 'RELEASE')}"
    if file.dist:
        release += f" --dist {quote_argument(file.dist, 'DIST')}"
    name = last_path_part(file.name)
    by_id = file.debug_id is not None
    if not _is_of_react_native(file):
        return f"sentry-cli sourcemaps upload{'' if by_id else release} path/to/dist"
    bundle, source_map = (quote_argument(each, "BUNDLE") for each in (name, f"{name}.map"))
    if name.endswith(_ANDROID_BUNDLE):
        files = f"--bundle {bundle} --sourcemap {source_map}"
        return f"sentry-cli react-native gradle {files}{'' if by_id else release}"
    how = " --debug-id-reference" if by_id else release
    return f"sentry-cli sourcemaps upload{how} {bundle} {source_map}"


def _is_of_react_native(file: MissingDebugFile) -> bool:
    return last_path_part(file.name).endswith((_ANDROID_BUNDLE, _IOS_BUNDLE))
