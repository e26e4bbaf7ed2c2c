"""Words for the kinds of debug files, for what they give and lack, and for why they went."""

from typing import Final

from app.debug_files.model import (
    DebugFileFeature,
    DebugFileKind,
    DebugFileRemark,
    DeletionCause,
)

KIND_WORDS: Final[dict[DebugFileKind, str]] = {
    DebugFileKind.PROGUARD: "R8 or ProGuard mapping",
    DebugFileKind.ELF: "ELF symbols",
    DebugFileKind.MACHO: "dSYM",
    DebugFileKind.BREAKPAD: "Breakpad symbols",
    DebugFileKind.PDB: "PDB",
    DebugFileKind.ARTIFACT_BUNDLE: "Source maps",
    DebugFileKind.SOURCE_BUNDLE: "Native source code",
    DebugFileKind.JVM_SOURCE_BUNDLE: "Java and Kotlin source code",
    DebugFileKind.DART_SYMBOL_MAP: "Map of Dart names",
}
"""The name of each kind, in the order in which pages list them."""
FEATURE_WORDS: Final[dict[str, str]] = {
    DebugFileFeature.SYMBOLS: "functions",
    DebugFileFeature.MAPPING: "clear names",
    DebugFileFeature.DEBUG: "lines",
    DebugFileFeature.LINES: "lines",
    DebugFileFeature.SOURCES: "source code",
}
"""What a file gives to a stack, by feature; others say nothing to whoever reads one."""
REMARK_WORDS: Final[dict[DebugFileRemark, str]] = {
    DebugFileRemark.STRIPPED: "stripped: no debug info",
    DebugFileRemark.NO_LINES: "no line numbers",
}
CAUSE_WORDS: Final[dict[DeletionCause, str]] = {
    DeletionCause.BY_HAND: "by hand",
    DeletionCause.UNUSED: "nothing needed it any more",
    DeletionCause.PROJECT_ERASED: "with its project",
    DeletionCause.RESTORED: "again after a restored backup",
}


def list_feature_words(kind: DebugFileKind, features: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a file gives to a stack, each thing once: `functions`, `lines`."""
    if kind is DebugFileKind.ARTIFACT_BUNDLE:
        # Each source map gives names and lines; only the source code in it is a feature.
        features = (DebugFileFeature.SYMBOLS, DebugFileFeature.LINES, *features)
    return tuple(
        dict.fromkeys(words for feature, words in FEATURE_WORDS.items() if feature in features)
    )
