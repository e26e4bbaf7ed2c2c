"""Give classes that an event names outside of frames their clear names."""

import re
from typing import Any, Final

from app.formats.jsonish import JsonObject
from app.symbolication.jvm.retrace import JvmRetracer, read_line

_MOST_LOCKS: Final = 1_000
_MOST_STRINGS: Final = 1_000
_MOST_REPLACED: Final = 20
_DEPTH: Final = 6


def read_exception_class(exception: JsonObject) -> str | None:
    """Return the full name of the class of an exception as sent; None if it has no type.

    A class of the root package has no `module`, as R8 makes with `-repackageclasses`.
    """
    name, module = exception.get("type"), exception.get("module")
    if not isinstance(name, str) or not name:
        return None
    return f"{module}.{name}" if isinstance(module, str) and module else name


def rename_exception(
    exception: JsonObject, innermost: JsonObject | None, retracer: JvmRetracer
) -> None:
    """Give an exception its clear type, and a message that names the innermost method likewise.

    Args:
        exception: Is changed in place; as sent apart from its stack.
        innermost: The innermost frame as sent, if it is one of the JVM.
        retracer: Has the mappings.
    """
    if innermost is not None:
        _rename_in_message(exception, innermost, retracer)
    class_name = read_exception_class(exception)
    clear = retracer.rename_class(class_name) if class_name is not None else None
    if clear is None or clear == class_name:
        return
    module, dot, exception["type"] = clear.rpartition(".")
    if dot:
        exception["module"] = module
    else:
        exception.pop("module", None)


def rename_lock(frame: JsonObject, retracer: JvmRetracer) -> JsonObject:
    """Return a frame that waits for a lock, or holds one, with the clear class of the lock."""
    lock = frame.get("lock")
    return {**frame, "lock": _rename_locked_class(lock, retracer)} if lock else frame


def rename_held_locks(thread: JsonObject, retracer: JvmRetracer) -> None:
    """Give the locks that a thread holds the clear names of their classes, in place."""
    locks = thread.get("held_locks")
    if isinstance(locks, dict) and 0 < len(locks) <= _MOST_LOCKS:
        thread["held_locks"] = {
            address: _rename_locked_class(lock, retracer) for address, lock in locks.items()
        }


def rename_contexts(contexts: JsonObject, retracer: JvmRetracer) -> JsonObject:
    """Return the contexts of an event in which texts that equal a class have its clear name.

    A name without a package stands for a class only in the list of screens: as a value of its own,
    `a3` is more often the model of a phone than a class.
    """
    budget = [_MOST_STRINGS]
    return {
        name: _rename_texts(value, retracer, budget, is_screen_list=False, depth=_DEPTH)
        for name, value in contexts.items()
    }


def _rename_in_message(exception: JsonObject, innermost: JsonObject, retracer: JvmRetracer) -> None:
    """Replace the innermost method, as `a.b.c`, in the message; a class alone may be any word."""
    message = exception.get("value")
    sent = f"{innermost['module']}.{innermost['function']}"
    if not isinstance(message, str) or sent not in message:
        return
    line = read_line(innermost)
    clear = retracer.find_method(str(innermost["module"]), str(innermost["function"]), line)
    if clear is not None:
        pattern = rf"(?<![\w.$]){re.escape(sent)}(?![\w$])"
        exception["value"] = re.sub(pattern, lambda _: clear, message, count=_MOST_REPLACED)


def _rename_locked_class(lock: Any, retracer: JvmRetracer) -> Any:
    """Return a lock with the clear class, whose package stands in a member of its own."""
    if not isinstance(lock, dict):
        return lock
    package, name = lock.get("package_name"), lock.get("class_name")
    if not isinstance(name, str) or not name:
        return lock
    sent = f"{package}.{name}" if isinstance(package, str) and package else name
    clear = retracer.rename_class(sent)
    if clear == sent:
        return lock
    clear_package, dot, clear_name = clear.rpartition(".")
    renamed = {**lock, "class_name": clear_name}
    if dot:
        renamed["package_name"] = clear_package
    else:
        renamed.pop("package_name", None)
    return renamed


def _rename_texts(
    value: Any, retracer: JvmRetracer, budget: list[int], *, is_screen_list: bool, depth: int
) -> Any:
    if isinstance(value, str):
        budget[0] -= 1
        is_candidate = budget[0] >= 0 and ("." in value or is_screen_list)
        return retracer.rename_class(value) if is_candidate else value
    if depth == 0:
        return value
    if isinstance(value, dict):
        return {
            name: _rename_texts(
                member,
                retracer,
                budget,
                is_screen_list=name == "view_names",
                depth=depth - 1,
            )
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [
            _rename_texts(member, retracer, budget, is_screen_list=is_screen_list, depth=depth - 1)
            for member in value
        ]
    return value
