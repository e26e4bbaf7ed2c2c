"""Removes from the names of functions and classes what a compiler or a build put there.

    java     CartViewModel$$Lambda$14/0x7f3a     CartViewModel
             act$lambda$19, access$123, Foo$1    act$lambda, access, Foo$
    native   std::vector<int>::push_back(int&&)  std::vector::push_back
             closure #2 in Cart.pay(_:)          closure in Cart.pay
    script   main.3f2a91bc.js                    main.js

Names that a shrinker made (`a.b.c`, `t.n`) differ in the next build, so they become `~`. Callers
cut names before they pass them, so that the caches stay small.
"""

import re
from functools import lru_cache
from typing import Final, Literal

NameFamily = Literal["jvm", "native", "script"]

SHRUNK: Final = "~"
UNKNOWN: Final = frozenset(
    {"", "?", "<anonymous>", "<unknown>", "<redacted>", "anonymous", "null.<anonymous>", "unknown"}
)
_CACHED: Final = 4_096
_SHRUNK_CHARS: Final = 2

_JVM_MADE: Final = re.compile(
    r"\$\$(?:ExternalSynthetic)?Lambda.*|\$\$(?:FastClassBy|EnhancerBy).*|\$\$SpringCGLIB.*"
    r"|\$HibernateProxy.*|\$MockitoMock.*"
)
_JVM_NUMBERS: Final = re.compile(r"(?<=[$-])\d+|(?<=Accessor)\d+|(?<=Proxy)\d+|(?<=__)\d+(?:_\d+)?")
_SCRIPT_NUMBERS: Final = re.compile(
    r"(?<=func)\d+(?:\.\d+)*|(?<=__)\d+(?:_\d+)?|\(\d+ levels?\) ?|(?<=anonymous function#)\d+"
)
_NATIVE_MADE: Final = re.compile(
    r"\(anonymous namespace\)::|::h[0-9a-f]{16}$|\s\+\s(?:0x[0-9a-f]+|\d+)$|\[clone [^\]]*\]"
    r"|\b(?:specialized|@objc|merged|outlined|partial apply for|static) |^__\d+(?=[-+]\[)"
    r"|(?<=_block_invoke)[._]?\d+|(?<=closure )#\d+ |\.(?:cold|part|isra|constprop|llvm)[.\d]*$"
)
_INNERMOST_ANGLES: Final = re.compile(r"(?<!operator)(?<!operator<)<[^<>]*>")
_ARGUMENTS: Final = re.compile(r"(?<!operator)\([^()]*\)(?:\s*(?:const|noexcept|throws|async))*")
_DEEPEST: Final = 8
_FILE_HASH: Final = re.compile(r"[.\-_](?=[a-z]*\d)[0-9a-z]{6,40}(?=\.)|\?.*$|#.*$")


@lru_cache(maxsize=_CACHED)
def clean_function_name(name: str, family: NameFamily) -> str:
    """Return the name of a function without what a build added; empty if it has no name."""
    if name in UNKNOWN:
        return ""
    if family == "native":
        return _clean_native_name(name)
    if family == "jvm":
        return _JVM_NUMBERS.sub("", _JVM_MADE.sub("", name))
    return "" if name.endswith("<anonymous>") else _SCRIPT_NUMBERS.sub("", name)


@lru_cache(maxsize=_CACHED)
def clean_module_name(name: str, family: NameFamily) -> str:
    """Return the name of a module or a class without what a build added."""
    return _JVM_NUMBERS.sub("", _JVM_MADE.sub("", name)) if family == "jvm" else name


@lru_cache(maxsize=_CACHED)
def clean_file_name(path: str) -> str:
    """Return the base name of a file in lower case, without the hash that a bundler added."""
    return _FILE_HASH.sub("", path.replace("\\", "/").rpartition("/")[2].lower())


@lru_cache(maxsize=_CACHED)
def is_shrunk(module_name: str, function_name: str, family: NameFamily) -> bool:
    """Tell whether a shrinker made these names, of one or two letters."""
    last = function_name.rpartition(".")[2]
    is_short = 0 < len(last) <= _SHRUNK_CHARS and last.isalpha() and last.islower()
    if family == "jvm":
        simple = module_name.rpartition(".")[2]
        return is_short and 0 < len(simple) <= _SHRUNK_CHARS
    return is_short and family == "script"


def _clean_native_name(name: str) -> str:
    """Remove template arguments, parameters, addresses and numbers from a demangled name."""
    bare = _NATIVE_MADE.sub("", name)
    for pattern in (_INNERMOST_ANGLES, _ARGUMENTS):
        for _ in range(_DEEPEST):
            shorter = pattern.sub("", bare)
            if shorter == bare:
                break
            bare = shorter
    return bare.strip()
