"""Exceptions and stacks for pages: order, stand-ins, and any shape at all."""

import pytest
from hypothesis import given

from app.formats.events import exceptions
from tests.support.builders.payloads import event
from tests.support.examples import JSON_VALUES, SETTINGS

THREAD = {"id": 1, "stacktrace": {"frames": [{"function": "run"}]}}


def chain(*values: object) -> dict[str, object]:
    """Return an event with exceptions as sent."""
    return {"exception": {"values": list(values)}}


def test_an_exception_is_read():
    """Type, value, mechanism and frames are read."""
    (exception,) = exceptions.read_exceptions(event())
    assert (exception.type, exception.module) == ("IllegalStateException", "java.lang")
    assert exception.value == "Cart total is negative: -12.40"
    assert (exception.mechanism, exception.handled) == ("UncaughtExceptionHandler", False)
    assert [frame.function for frame in exception.frames] == ["onClick", "total"]
    assert exception.frames_left_out == 0


def test_the_thrown_exception_comes_first():
    """SDKs send the oldest cause first."""
    chained = exceptions.read_exceptions(chain({"type": "Cause"}, {"type": "Thrown"}))
    assert [exception.type for exception in chained] == ["Thrown", "Cause"]


def test_a_bare_list_is_read():
    """Old SDKs leave out `values`."""
    assert exceptions.read_exceptions({"exception": [{"type": "A"}, 7, None]})[0].type == "A"


def test_a_frame_is_read():
    """The place, source lines and address of a frame are read."""
    frame = {
        "function": "pay", "module": "shop.cart", "filename": "cart.py", "lineno": 7, "colno": 2,
        "in_app": True, "context_line": "pay()", "pre_context": ["a", "", 3],
        "post_context": ["b"], "package": "shop", "instruction_addr": "0x10",
    }  # fmt: skip
    exception = exceptions.read_exceptions(chain({"stacktrace": {"frames": [frame]}}))[0]
    assert exception.frames == (
        exceptions.Frame(
            "pay",
            "shop.cart",
            "cart.py",
            7,
            2,
            True,
            "pay()",
            ("a", "", "3"),
            ("b",),
            "shop",
            "0x10",
        ),
    )


def test_the_absolute_path_stands_in_for_the_file():
    """Some SDKs send only the absolute path."""
    read_back = exceptions.read_exceptions(
        chain({"stacktrace": {"frames": [{"abs_path": "/srv/a.py"}]}})
    )[0]
    assert read_back.frames[0].filename == "/srv/a.py"


@pytest.mark.parametrize(("count", "left_out"), [(500, 0), (501, 1), (10_000, 9_500)])
def test_the_middle_of_a_long_stack_is_left_out(count, left_out):
    """Beginning and end stay, and the frames between them are counted."""
    frames = [{"lineno": number} for number in range(count)]
    (exception,) = exceptions.read_exceptions(chain({"stacktrace": {"frames": frames}}))
    assert (len(exception.frames), exception.frames_left_out) == (500, left_out)
    assert (exception.frames[249].line, exception.frames[250].line) == (249, count - 250)


def test_a_long_chain_keeps_its_outermost_exceptions():
    """Fifty exceptions are read, from the thrown one on."""
    chained = exceptions.read_exceptions(chain(*({"type": str(number)} for number in range(60))))
    assert [exception.type for exception in chained] == [str(number) for number in range(59, 9, -1)]


@pytest.mark.parametrize(
    "threads", [{"values": [THREAD]}, [THREAD, {"id": 2}], [{**THREAD, "crashed": True}, THREAD]]
)
def test_a_thread_lends_its_stack(threads):
    """The crashed thread does, or the only one with a stack, if no exception has any."""
    (message,) = exceptions.read_exceptions({"message": "m", "threads": threads})
    assert (message.type, message.frames[0].function) == (None, "run")
    thrown, cause = exceptions.read_exceptions(
        chain({"type": "C"}, {"type": "T"}) | {"threads": threads}
    )
    assert (thrown.type, thrown.frames[0].function, cause.frames) == ("T", "run", ())


@pytest.mark.parametrize(
    "threads", [[THREAD, THREAD], [THREAD, {"crashed": True}], [{"crashed": True}], [], None]
)
def test_an_uncertain_thread_lends_nothing(threads):
    """Nobody knows which of several threads it was."""
    assert exceptions.read_exceptions({"threads": threads}) == ()


def test_an_event_lends_its_own_stack():
    """PHP, older JavaScript and raven write it beside the message; a thread comes first."""
    own = {"message": "m", "stacktrace": {"frames": [{"function": "log", "module": "shop"}]}}
    (exception,) = exceptions.read_exceptions(own)
    assert [frame.function for frame in exception.frames] == ["log"]
    main_frame = exceptions.find_main_frame(own, {})
    assert main_frame is not None
    assert main_frame.module == "shop"
    (exception,) = exceptions.read_exceptions(own | {"threads": [THREAD]})
    assert [frame.function for frame in exception.frames] == ["run"]


def test_an_exception_with_a_stack_needs_no_thread():
    """An exception with a stack of its own does not take the one of a thread."""
    exception = exceptions.read_exceptions(event(threads=[THREAD | {"crashed": True}]))[0]
    assert exception.frames[-1].function == "total"


@pytest.mark.parametrize(
    ("marks", "line"),
    [
        ((True, True, False), 1),
        ((False, None, None), 2),
        ((True, None, None), 0),
        ((False, False, False), None),
        ((), None),
    ],
)
def test_the_main_frame_is_the_last_own_one(marks, line):
    """If no frame is the app's own, the last one not marked as library code is the main frame."""
    frames = [{"lineno": number, "in_app": mark} for number, mark in enumerate(marks)]
    frame = exceptions.find_main_frame({}, {"stacktrace": {"frames": frames}})
    assert (frame and frame.line) == line


@pytest.mark.parametrize(
    ("file_names", "line"),
    [
        (("src/pay.js", "app:///index.android.bundle", "native"), 0),
        (("app:///index.android.bundle", "native"), 1),
        (("app:///main.jsbundle", "src/pay.js"), 1),
    ],
)
def test_a_source_file_is_the_main_frame_rather_than_a_bundle(file_names, line):
    """Frames of the engine and of the bundle count only if no frame names a source file."""
    frames = [
        {"lineno": number, "in_app": True, "filename": name}
        for number, name in enumerate(file_names)
    ]
    frame = exceptions.find_main_frame({}, {"stacktrace": {"frames": frames}})
    assert frame is not None
    assert frame.line == line


@SETTINGS
@given(JSON_VALUES, JSON_VALUES, JSON_VALUES)
def test_exceptions_of_any_shape_are_read(first, second, third):
    """Exceptions, threads and frames may be of any type."""
    for value in (first, [first], {"values": [first]}):
        exceptions.read_exceptions({"exception": value, "threads": second})
    for frames in (third, [third], [{"lineno": third, "in_app": third, "pre_context": [third]}]):
        holder = {"type": first, "mechanism": second, "stacktrace": {"frames": frames}}
        exceptions.read_exceptions(chain(holder) | {"threads": [holder]})
        exceptions.find_main_frame({"threads": [holder]}, {})


def test_variables_are_written():
    """Text stays as SDKs send it, all else is written as JSON, and long values are cut."""
    frame = {"vars": {"a": "'x'", "b": [1, {"c": None}], "d": "x" * 600}}
    frame_read = exceptions.read_exceptions(chain({"stacktrace": {"frames": [frame]}}))[0].frames[0]
    assert frame_read.variables[:2] == (("a", "'x'"), ("b", '[1,{"c":null}]'))
    assert frame_read.variables[2][1].endswith("x…")


def test_a_tree_of_exceptions_is_read():
    """Members know their groups, and platforms add details."""
    meta = {
        "signal": {"name": "SIGSEGV", "code_name": "SEGV_MAPERR"},
        "mach_exception": {"name": "EXC_BAD_ACCESS"},
        "ns_error": {"domain": "NSURL", "code": -7},
    }
    group = {"exception_id": 0, "is_exception_group": True, "meta": meta}
    read_back = exceptions.read_exceptions(
        chain(
            {"type": "A", "mechanism": {"exception_id": 1, "parent_id": 0}},
            {"type": "G", "mechanism": group},
        )
    )
    assert (read_back[0].number, read_back[0].is_group, read_back[1].parent) == (0, True, 0)
    assert read_back[0].details == "SIGSEGV (SEGV_MAPERR), EXC_BAD_ACCESS, NSURL -7"
    assert read_back[1].details is None


def test_threads_are_read():
    """The crashed one comes first, then the main one; a thread without a name gets its number."""
    sent = [
        {"id": 3, "state": "WAITING"},
        {"name": "main", "main": True, "stacktrace": {"frames": [{"function": "loop"}]}},
        {"name": "worker", "crashed": True},
        "none",
    ]
    threads = exceptions.read_threads({"threads": {"values": sent}})
    assert [(thread.name, thread.crashed, thread.is_main) for thread in threads] == [
        ("worker", True, False),
        ("main", False, True),
        ("Thread 3", False, False),
    ]
    assert [frame.function for frame in threads[1].frames] == ["loop"]
    (named, other) = exceptions.read_threads(
        {"threads": [{"name": "main", "main": False}, {"name": "main"}]}
    )
    assert (named.is_main, other.is_main) == (True, False)
    assert threads[2].state == "WAITING"
