"""Grouping, rule by rule: what must not part two events, and what must."""

import copy
from typing import Any, Final

import pytest
from hypothesis import given

from app.issues.grouping import rules
from tests.support.builders.payloads import event
from tests.support.examples import JSON_VALUES, SETTINGS

JAVA_FRAMES: Final = [
    {"module": "java.lang.Thread", "function": "run", "lineno": 920, "in_app": False},
    {"module": "com.shop.Cart", "function": "pay", "lineno": 40, "in_app": True},
    {"module": "com.shop.Card", "function": "charge", "lineno": 7, "in_app": True},
]


def thrown(*values: dict[str, Any], platform: str = "java", **members: Any) -> dict[str, Any]:
    """Return an event with a chain of exceptions, the oldest cause first."""
    return {"platform": platform, "exception": {"values": list(values)}, **members}


def at(*frames: dict[str, Any], **value: Any) -> dict[str, Any]:
    """Return an exception with frames, the oldest call first."""
    return {"type": "T", "value": "v", "stacktrace": {"frames": list(frames)}, **value}


def own(function: str, module: str = "com.shop.Cart", **members: Any) -> dict[str, Any]:
    """Return a frame of the app's own."""
    return {"function": function, "module": module, "in_app": True, **members}


def together(*events: dict[str, Any]) -> bool:
    """Tell whether events form one group."""
    return len({rules.group_event(event).issue_id for event in events}) == 1


def test_lines_addresses_and_foreign_frames_do_not_part_events():
    """A change above the line, another start of the process, another Java: still one problem."""
    moved = copy.deepcopy(JAVA_FRAMES)
    moved[1]["lineno"] = 77
    moved[2] |= {"instruction_addr": "0x7f12", "abs_path": "Card.kt"}
    moved[0]["function"] = "runWith"
    assert together(thrown(at(*JAVA_FRAMES)), thrown(at(*moved, value="other words")))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("act$lambda$19", "act$lambda$3"),
        ("lambda$pay$0", "lambda$pay$12"),
        ("access$100", "access$200"),
        ("invoke$$Lambda$14/0x7f3a", "invoke$$Lambda$20/0x1"),
        ("$$ExternalSyntheticLambda0", "$$ExternalSyntheticLambda7"),
    ],
)
def test_numbers_a_java_compiler_made_do_not_part_events(one, other):
    """Lambdas, accessors and synthetic classes are counted anew by every build."""
    assert together(thrown(at(own(one))), thrown(at(own(other))))


def test_anonymous_classes_and_proxies_do_not_part_events():
    """`Cart$1` becomes `Cart$2` when somebody adds a listener above it."""
    assert together(
        thrown(at(own("onClick", "com.shop.Cart$1"))), thrown(at(own("onClick", "com.shop.Cart$2")))
    )
    assert together(
        thrown(at(own("pay", "com.shop.Cart$$EnhancerBySpringCGLIB$$a1b2"))),
        thrown(at(own("pay", "com.shop.Cart$$EnhancerBySpringCGLIB$$ffff"))),
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("std::vector<int>::push_back(int&&)", "std::vector<long>::push_back(long&&)"),
        ("shop::pay::h0123456789abcdef", "shop::pay::hfedcba9876543210"),
        ("closure #1 in Cart.pay(_:)", "closure #2 in Cart.pay(_:)"),
        ("specialized Cart.pay(_:)", "Cart.pay(_:)"),
        ("__12-[Cart pay]_block_invoke", "__14-[Cart pay]_block_invoke_2"),
        ("Cart::pay(int) const", "Cart::pay(int)"),
        ("main + 120", "main + 0x7c"),
    ],
)
def test_what_a_native_compiler_made_does_not_part_events(one, other):
    """Template arguments, parameters, hashes and offsets are removed from a function's name."""
    assert together(
        thrown(at(own(one)), platform="native"), thrown(at(own(other)), platform="native")
    )


def test_operators_keep_their_signs():
    """`operator()` and `operator<` are names, not parameters."""
    shown = [
        rules.group_event(thrown(at(own(name)), platform="native")).parts[-1]
        for name in ("Cart::operator()(int)", "operator<(Cart, Cart)")
    ]
    assert shown == ["Cart::operator()", "operator<"]


def test_a_native_frame_without_a_name_is_its_place_in_its_binary():
    """Where a binary was loaded is chance; how far into it the frame lies is not."""

    def crash(base: int, offset: int, **frame: Any) -> dict[str, Any]:
        address = {"instruction_addr": hex(base + offset), "package": "/data/app/libshop.so"}
        images = [{"image_addr": hex(base), "image_size": 4096}, "no image"]
        stack = at({**address, "in_app": True, **frame})
        return thrown(stack, platform="native", debug_meta={"images": images})

    assert together(crash(0x7000, 0x1A4), crash(0x9000, 0x1A4), crash(0x1, 0x1A4, image_addr="0x1"))
    assert not together(crash(0x7000, 0x1A4), crash(0x7000, 0x1A8))
    assert rules.group_event(crash(0x7000, 0x1A4)).parts[-1] == "libshop.so+0x1a4"
    without = crash(0x7000, 0x1A4) | {"debug_meta": {}}
    assert rules.group_event(without).parts[-1] == "libshop.so"
    odd = crash(0x7000, 0x1A4, instruction_addr="north", image_addr=7)
    assert rules.group_event(odd).parts[-1] == "libshop.so"


def test_shrunk_names_hold_their_place_only():
    """A shrinker renames with every build; the names it kept tell the problem."""
    one = thrown(at(own("onCreate", "com.shop.Main"), own("b", "d.a.c"), own("a", "d.a.e")))
    other = thrown(at(own("onCreate", "com.shop.Main"), own("x", "f.q"), own("y", "f.z")))
    shallow = thrown(at(own("onCreate", "com.shop.Main"), own("x", "f.q")))
    assert together(one, other)
    assert not together(one, shallow)


def test_shrunk_names_alone_are_better_than_none():
    """Where nothing kept its name, at least one build's events are told apart."""
    assert not together(thrown(at(own("b", "d.a.c"))), thrown(at(own("c", "d.a.c"))))


def test_a_shrunk_type_does_not_part_events():
    """An exception class of the app is renamed as well."""
    assert together(
        thrown(at(*JAVA_FRAMES, type="b")), thrown(at(*JAVA_FRAMES, type="c")),
        thrown(at(*JAVA_FRAMES, type="b")),
    )  # fmt: skip


def test_a_hash_in_a_bundles_name_does_not_part_events():
    """Bundlers put a hash into the name of a file."""
    first = {"function": "onPress", "filename": "https://x.example/js/main.3f2a91bc.js?v=1"}
    second = {"function": "onPress", "filename": "https://y.example/js/main.77ab01cd.js"}
    assert together(
        thrown(at(first), platform="javascript"), thrown(at(second), platform="javascript")
    )


def test_the_source_line_tells_anonymous_functions_apart():
    """A line over 120 characters, or one that the SDK cut, is not used as a name."""

    def script(line: str) -> dict[str, Any]:
        frame = own("<anonymous>", "app", context_line=line)
        return thrown(at(frame), platform="node")

    assert not together(script("cart.total()"), script("cart.pay()"))
    assert together(script("x" * 121), script("y {snip}"))
    assert together(
        thrown(at(own("pay", context_line="a()"))), thrown(at(own("pay", context_line="b()")))
    )


def test_the_depth_of_a_recursion_does_not_part_events():
    """Calling oneself twice or ten times is the same; so is where an endless one was cut."""
    twice, often = [own("walk")] * 2, [own("walk")] * 10
    assert together(thrown(at(own("main"), *twice)), thrown(at(own("main"), *often)))
    cycle = [own(f"f{place}") for place in range(3)]
    endless = cycle * 100
    assert together(thrown(at(*endless)), thrown(at(*endless[1:], own("f0"))))


def test_chains_and_their_causes_tell_problems_apart():
    """The same outer exception with another cause is another problem."""
    outer = at(*JAVA_FRAMES)
    assert not together(
        thrown(at(own("read"), type="IOException"), outer),
        thrown(at(own("parse"), type="JsonException"), outer),
        thrown(outer),
    )


def test_an_exception_group_is_a_set_of_problems():
    """Number and order of the failed members are chance; their kinds are not."""

    def several(*types: str) -> dict[str, Any]:
        wrapper = at(own("run"), type="ExceptionGroup", mechanism={"is_exception_group": True})
        return thrown(*(at(own(name), type=name) for name in types), wrapper, platform="python")

    assert together(several("A", "B"), several("B", "A", "A"))
    assert not together(several("A", "B"), several("A"))


def test_a_synthetic_type_means_nothing():
    """The SDK made it up where nothing was thrown."""
    mechanism = {"type": "mach", "synthetic": True}
    assert together(
        thrown(at(own("main"), type="EXC_BAD_ACCESS", mechanism=mechanism)),
        thrown(at(own("main"), type="SIGABRT", mechanism=mechanism)),
    )


def test_app_hangs_are_one_kind():
    """Full and partial hangs form one issue, because which one is reported is chance."""
    assert together(
        thrown(at(own("main"), type="App Hang Fully Blocked"), platform="cocoa"),
        thrown(at(own("main"), type="App Hanging"), platform="cocoa"),
    )


def test_the_code_of_an_ns_error_tells_its_domain_apart():
    """A domain alone is as wide as a library."""

    def error(code: int) -> dict[str, Any]:
        meta = {"ns_error": {"domain": "D", "code": code}}
        return thrown(at(own("main"), type="D", mechanism={"meta": meta}), platform="cocoa")

    assert not together(error(1), error(2))


def test_frames_that_nobody_marked_count_unless_the_platform_is_known():
    """A Java SDK without a list of own packages marks nothing."""
    frames = [
        {"module": "com.shop.Cart", "function": "pay"},
        {"module": "java.util.ArrayList", "function": "get"},
    ]
    assert rules.group_event(thrown(at(*frames))).parts == ("T", "com.shop.Cart|pay|")
    assert rules.group_event(thrown(at(frames[1]))).parts == ("T", "java.util.ArrayList|get|")


def test_without_frames_an_exception_is_what_it_says():
    """Numbers, ids and addresses in its text are parameters; a status code is not."""
    assert together(
        thrown({"type": "E", "value": "order 17 of 4f9d8a7b-6c5e-4d3c-8b2a-190817263544 failed"}),
        thrown({"type": "E", "value": "order 99 of 0f9d8a7b-6c5e-4d3c-8b2a-190817263544 failed"}),
    )
    assert not together(
        thrown({"type": "E", "value": "HTTP 404"}), thrown({"type": "E", "value": "HTTP 500"})
    )
    assert rules.group_event(thrown({"type": "E"}, message="order 7")).parts == ("E", "order <int>")


def test_a_stack_of_a_thread_stands_in_for_that_of_an_exception():
    """A crash of iOS or the NDK may have its stack in its thread."""
    thread = {"crashed": True, "stacktrace": {"frames": [own("main")]}}
    group = rules.group_event(thrown({"type": "SIGSEGV"}, threads={"values": [thread]}))
    assert (group.rule, group.parts) == ("stack", ("SIGSEGV", "com.shop.Cart|main|"))
    alone = rules.group_event({"platform": "java", "threads": {"values": [thread]}})
    assert (alone.rule, alone.parts) == ("stack", ("com.shop.Cart|main|",))


def test_messages_group_by_their_template():
    """Where the SDK sends no template, the parameters are guessed from the text."""
    assert together(
        {"logentry": {"message": "disk %s full", "formatted": "disk a full"}},
        {"logentry": {"message": "disk %s full", "formatted": "disk b full"}},
    )
    assert together({"message": "took 12 ms"}, {"message": {"formatted": "took 9 ms"}})
    assert not together({"message": "took 12 ms"}, {"message": "lost 12 ms"})


def test_an_event_of_nothing_has_a_group():
    """Events are grouped by platform, logger and transaction, also if these are not text."""
    assert rules.group_event({}).rule == "fallback"
    assert together({}, {"platform": [7], "exception": [], "threads": "none"})


@pytest.mark.parametrize("default", ["{{ default }}", "{{default}}"])
def test_a_fingerprint_goes_before_everything(default):
    """Alone `{{ default }}` is the default; with more it makes the default finer."""
    usual = thrown(at(*JAVA_FRAMES))
    assert together(usual, {**usual, "fingerprint": [default]}, {**usual, "fingerprint": []})
    finer = rules.group_event({**usual, "fingerprint": [default, "gold"]})
    assert finer.rule == "fingerprint"
    assert finer.parts == ("stack", *rules.group_event(usual).parts, "gold")
    assert together(
        {"fingerprint": ["mine"], "message": "a"}, {"fingerprint": ["mine"], "message": "b"}
    )


def test_variables_of_a_fingerprint_are_filled_in():
    """Those of the event's facts, of its tags; one nobody knows stays as it is written."""
    sent = thrown(
        at(*JAVA_FRAMES, type="E", value="v"),
        transaction="pay",
        tags={"shop": "north"},
        fingerprint=[
            "{{ type }}-{{ error.value }}",
            "{{ stack.function }} {{ module }}",
            "{{ transaction }}{{ tags.shop }}{{ tags.none }}{{ level }}",
            "{{ odd }}",
            7,
            None,
        ],
    )
    assert rules.group_event(sent).parts == (
        "E-v", "charge com.shop.Card", "paynorth", "{{ odd }}", "7",
    )  # fmt: skip


def test_keys_are_those_of_every_version():
    """The newest first; today there is one."""
    assert rules.read_issue_keys(event()) == (rules.group_event(event()).issue_id,)


def test_a_key_of_version_1_never_changes():
    """Rules may only change with a new version: this key is in databases."""
    assert (
        rules.group_event(thrown(at(*JAVA_FRAMES))).issue_id == "1a3030c4f5a8b07dc4c11c9b60417b0c"
    )


@SETTINGS
@given(JSON_VALUES)
def test_anything_at_all_has_a_group(value):
    """Whatever stands where, grouping neither raises nor differs from run to run."""
    shapes = [
        {"exception": value},
        {"exception": [{"type": value, "value": value, "stacktrace": {"frames": value}}]},
        {"exception": [at({"function": value, "module": value, "context_line": value})]},
        {"fingerprint": value, "message": value, "threads": value, "platform": value},
        {"fingerprint": [value], "debug_meta": {"images": value}, "platform": "native"},
    ]
    for shape in shapes:
        assert rules.group_event(shape) == rules.group_event(copy.deepcopy(shape))
