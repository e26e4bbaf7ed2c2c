"""Builds mappings as R8 writes them: many classes, ranges of lines, inlined calls, notes."""

import random
from collections.abc import Iterator
from itertools import count
from typing import Final

HEAD: Final = (
    "# compiler: R8\n# compiler_version: 8.7.18\n# min_api: 24\n"
    '# {"id":"com.android.tools.r8.mapping","version":"2.2"}\n'
    "# pg_map_id: 4fe1c2a\n"
)
_PACKAGES: Final = ("shop.ui", "shop.cart", "shop.pay.card", "core.net", "core.data.local")
_NAMES: Final = ("Cart", "Checkout", "Price", "Session", "Screen", "Reducer", "Mapper", "Delegate")
_VERBS: Final = ("load", "bind", "render", "apply", "toDomain", "onChanged", "invoke", "collect")
_TYPES: Final = ("int", "java.lang.String", "kotlin.Unit", "java.util.List", "java.lang.Object")


def name_class(number: int) -> str:
    """Return the clear name of a class of the built mapping."""
    package, name = _PACKAGES[number % len(_PACKAGES)], _NAMES[number % len(_NAMES)]
    return f"com.acme.{package}.{name}{number}"


def name_obfuscated_class(number: int) -> str:
    """Return its name in the app, such as `b.qa`."""
    letters = ""
    rest = number // 26
    while rest or not letters:
        letters = chr(ord("a") + rest % 26) + letters
        rest //= 26
    return f"{chr(ord('a') + number % 26)}.{letters}"


def build_mapping(classes: int, *, seed: int = 15) -> Iterator[str]:
    """Build a mapping, a class at a time; its first piece is the head.

    A class has about 4,500 characters, so 11,500 classes are 50 MB, as those of a large app are.
    """
    numbers = random.Random(seed)
    yield HEAD
    for number in range(classes):
        yield "".join(_build_class(number, classes, numbers))


def _build_class(number: int, classes: int, numbers: random.Random) -> Iterator[str]:
    clear = name_class(number)
    yield f"{clear} -> {name_obfuscated_class(number)}:\n"
    yield f'# {{"id":"sourceFile","fileName":"{clear.rpartition(".")[2]}.kt"}}\n'
    for field in range(numbers.randrange(4)):
        declared = f"{numbers.choice(_TYPES)} {numbers.choice(_VERBS)}State{field}"
        yield f"    {declared} -> {'abcd'[field]}\n"
    for method in range(numbers.randint(3, 16)):
        yield from _build_method(chr(ord("a") + method), classes, numbers)


def _build_method(obfuscated: str, classes: int, numbers: random.Random) -> Iterator[str]:
    """Build the rows of one method; about a third of its positions have inlined calls."""
    name = f"{numbers.choice(_VERBS)}{numbers.randrange(100)}"
    signature = f"{numbers.choice(_TYPES)} %s({','.join(numbers.choices(_TYPES, k=2))})"
    own = signature % name
    line, original = 1, numbers.randint(10, 900)
    for position in count():
        length = numbers.randint(1, 4)
        lines = f"    {line}:{line + length - 1}:"
        if numbers.random() < 1 / 3:
            inlined = (
                signature % f"{name_class(numbers.randrange(classes))}.{numbers.choice(_VERBS)}"
            )
            first = numbers.randint(5, 400)
            yield f"{lines}{inlined}:{first}:{first + length - 1} -> {obfuscated}\n"
            yield f"{lines}{own}:{original} -> {obfuscated}\n"
        else:
            yield f"{lines}{own}:{original}:{original + length - 1} -> {obfuscated}\n"
        if position == 0 and numbers.random() < 1 / 5:
            note = '"id":"com.android.tools.r8.residualsignature","signature":"(Lb/a;I)V"'
            yield f"      # {{{note}}}\n"
        line, original = line + length, original + length
        if numbers.random() < 1 / 4:
            return
