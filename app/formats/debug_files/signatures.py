"""Shortens the signatures of native functions to their names.

    void shop::Cart::add<int>(int const&) const       ─► shop::Cart::add<int>
    shop::pay::h0123456789abcdef                      ─► shop::pay
    Shop.Cart.total(tax: Swift.Int) throws -> ()      ─► Shop.Cart.total
    closure #1 () -> () in Shop.Checkout.pay() -> ()  ─► closure #1 in Shop.Checkout.pay
    kfun:com.acme.Cart#total(kotlin.Int){}            ─► com.acme.Cart#total

Each language writes its signatures in its own way, so the mangled symbol decides which one it is.
Signatures without a mangled symbol, as Breakpad files have them, are taken for C++ or Swift.
"""

import re
from typing import Final

_OBJECTIVE_C: Final = re.compile(r"[-+]\[")
_KOTLIN: Final = "kfun:"
_RUST: Final = re.compile(r"_{0,2}R[A-Z0-9]|_{1,3}ZN.*17h[0-9a-f]{16}E", re.DOTALL)
_RUST_HASH: Final = re.compile(r"::h[0-9a-f]{16}\b")
_SWIFT: Final = re.compile(r"_{0,2}(?:\$[sSe]|T0)")
_SWIFT_RETURN: Final = re.compile(r"\) (?:async )?(?:(?:re)?throws )?-> ")
_SWIFT_PRIVATE: Final = re.compile(r"\(([^()\s]+) in _[0-9A-F]{32}\)")
"""A private name, which carries a hash of its file."""
_SWIFT_PREFIX: Final = re.compile(r"\((?:extension in [^()]*\):|\d+\) )")
"""Brackets in front of a name, which are not its parameters."""
_SWIFT_THUNK: Final = "reabstraction thunk"
_SWIFT_LISTS: Final = ("specialization ",)
"""Words before a list in angle brackets that does not belong to a name."""
_CPP_END: Final = re.compile(
    r"\s*(?:\b(?:const|volatile|noexcept)|&&?|\[[^\]\[]*\]|\(\.[^()]*\)|@@?[\w.]+)\s*$"
)
"""The texts that may follow parameters: qualifiers, tags, and names of clones as `(.cold.1)`."""
_CPP_PREFIX: Final = re.compile(r"(?:\w[\w -]* (?:to|for) )?")
"""Words before a name that are not a type, such as `non-virtual thunk to`."""
_CPP_OPERATOR: Final = re.compile(
    r"\boperator\s?(?:\(\)|\[\]|->\*?|<=>|<<=?|>>=?|&&|\|\||\+\+|--|[-+*/%^&|~!=<>,]=?)"
)
"""An operator whose name has brackets or other marks in it."""
_CPP_CONVERSION: Final = re.compile(r"\boperator(?:\s|\"\")")
"""An operator whose name has a space in it: `operator bool`, `operator new`."""
_CPP_POINTER: Final = re.compile(r"\(\*+(.*)\)", re.DOTALL)
"""A function that returns a pointer to a function is written inside of what it returns."""
_OPENING: Final = "([{"
_CLOSING: Final = ")]}"


def shorten_signature(signature: str, symbol: str) -> str:
    """Return the name of a function without parameters and return type.

    Args:
        signature: The demangled signature, or the symbol if it is not mangled.
        symbol: The name in the debug file.

    Returns:
        The name with its namespaces, classes and template arguments; the signature itself if no
        name can be told.
    """
    if _OBJECTIVE_C.search(signature):
        return signature
    if signature.startswith(_KOTLIN):
        return signature[len(_KOTLIN) :].partition("(")[0] or signature
    if _RUST.match(symbol):
        return _RUST_HASH.sub("", signature)
    if _SWIFT.match(symbol) or _SWIFT_RETURN.search(signature):
        return _shorten_swift(signature) or signature
    return (_shorten_cpp(signature) if "(" in signature else "") or signature


def _shorten_swift(signature: str) -> str:
    """Cut the types out of a function and of those around it."""
    if signature.startswith(_SWIFT_THUNK):
        return signature  # it has types only
    signature = _SWIFT_PRIVATE.sub(r"\1", signature)
    names = [_cut_swift_types(part).strip() for part in _split_swift_scopes(signature)]
    return " in ".join([name for name in names if name])


def _split_swift_scopes(signature: str) -> list[str]:
    """Split at ` in `, except inside of brackets."""
    parts, start = [], 0
    for at, depth in _list_bracket_depths(signature):
        if depth == 0 and signature.startswith(" in ", at):
            parts.append(signature[start:at])
            start = at + len(" in ")
    return [*parts, signature[start:]]


def _cut_swift_types(part: str) -> str:
    """Cut a name where its parameters or its type begin."""
    prefix_end = 0
    for at, depth in _list_bracket_depths(part):
        if at < prefix_end or depth > (part[at] in _OPENING):
            continue
        prefix = _SWIFT_PREFIX.match(part, at)
        if prefix:
            prefix_end = prefix.end()
        elif part[at] == "(" or part.startswith((" : ", " -> "), at):
            return part[:at]
    return part


def _shorten_cpp(signature: str) -> str:
    """Cut off qualifiers, parameters and the return type, in this order."""
    name = signature
    while (end := _CPP_END.search(name)) and end.start():
        name = name[: end.start()]
    if not name.endswith(")"):
        return signature
    name = name[: _find_opening(name)].rstrip()
    pointer = _CPP_POINTER.search(name)
    if pointer and pointer.end() == len(name):
        return _shorten_cpp(pointer[1]) if "(" in pointer[1] else pointer[1]
    prefix = _CPP_PREFIX.match(name)
    start = prefix.end() if prefix else 0
    return name[:start] + _cut_cpp_return_type(name[start:])


def _find_opening(text: str) -> int:
    """Return where the bracket opens that the last character closes; 0 if it does not."""
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] == ")") - (text[at] == "(")
        if depth == 0:
            return at
    return 0


def _cut_cpp_return_type(name: str) -> str:
    """Cut what stands before the last space that is not inside of brackets or an operator."""
    operator = _CPP_CONVERSION.search(name) or _CPP_OPERATOR.search(name)
    end = operator.start() if operator else len(name)
    start = 0
    for at, depth in _list_bracket_depths(name[:end]):
        if depth == 0 and name[at] == " ":
            start = at + 1
    return name[start:]


def _list_bracket_depths(text: str) -> list[tuple[int, int]]:
    """Return each position with the number of brackets around it, an opening one included.

    An angle bracket counts after a name only: elsewhere it is an operator or half an arrow.
    """
    positions, depth, angles = [], 0, 0
    for at, char in enumerate(text):
        if char in _OPENING:
            depth += 1
        elif char == "<" and _opens_list(text, at):
            depth += 1
            angles += 1
        positions.append((at, depth))
        if char in _CLOSING:
            depth = max(0, depth - 1)
        elif char == ">" and angles and text[at - 1] != "-":
            depth = max(0, depth - 1)
            angles -= 1
    return positions


def _opens_list(text: str, at: int) -> bool:
    before = text[at - 1] if at else ""
    return at == 0 or before.isalnum() or before in "_')]:<, (" or text[:at].endswith(_SWIFT_LISTS)
