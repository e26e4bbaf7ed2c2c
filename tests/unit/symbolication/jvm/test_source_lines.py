"""Frames of the JVM get the lines of code around them from bundles of sources."""

import io

import pytest

from app.formats.debug_files.packed.bundle_packing import pack_bundle
from app.formats.debug_files.packed.packed_bundle import PackedBundle
from app.symbolication.jvm.source_lines import add_source_lines
from tests.support.recorded.debug_samples import (
    load_expectation,
    load_sample_event,
    read_debug_sample,
)
from tests.support.symbolication.retracing import is_jvm, make_retracer


class Sources:
    """Stands for a bundle: sources by their address, and the addresses that were asked for."""

    def __init__(self, sources: dict[str, str]) -> None:
        self.sources = sources
        self.asked: list[str] = []

    def find_source_by_url(self, url: str) -> str | None:
        """Return a source, and note that somebody asked for it."""
        self.asked.append(url)
        return self.sources.get(url)


def test_the_sample_gets_the_lines_that_it_expects():
    """The bundle that sentry-cli made has the code of every frame of the app."""
    target = io.BytesIO()
    name = "proguard/sources/7d0e0650-6104-56e8-a7fe-020b7f400ca5.zip"
    pack_bundle(io.BytesIO(read_debug_sample(name)), target)
    bundle = PackedBundle(target.getvalue())
    retracer = make_retracer(read_debug_sample("proguard/mapping.txt"))
    expected = load_expectation("proguard")["exceptions"]
    for exception, wanted in zip(
        load_sample_event("proguard")["exception"]["values"], expected, strict=True
    ):
        frames = retracer.retrace_frames(exception["stacktrace"]["frames"], is_jvm, None)
        lines = [add_source_lines(frame, [bundle]).get("context_line") for frame in frames]
        assert lines == [frame.get("context_line") for frame in wanted["frames"]]


@pytest.mark.parametrize(
    ("frame", "url"),
    [
        ({"module": "com.acme.Cart", "filename": "Cart.kt"}, "~/com/acme/Cart.jvm"),
        ({"module": "com.acme.Cart$Line", "filename": "Cart.java"}, "~/com/acme/Cart.jvm"),
        ({"module": "com.acme.Cart$Line", "filename": "R8$$X"}, "~/com/acme/Cart.jvm"),
        ({"module": "com.acme.ShopKt", "filename": "Shop.kt"}, "~/com/acme/Shop.jvm"),
        ({"module": "com.acme.Cart", "filename": "Cart.gen.kt"}, "~/com/acme/Cart.gen.jvm"),
        ({"module": "com.acme.Cart", "filename": "Cart.gen.kt"}, "~/com/acme/Cart.jvm"),
        ({"module": "Main", "filename": "Main.java"}, "~/Main.jvm"),
        ({"module": "com.acme.shop.Cart", "filename": "Cart.kt"}, "~/shop/Cart.jvm"),
        ({"module": "com.acme.Cart"}, "~/com/acme/Cart.jvm"),
    ],
)
def test_code_is_found_where_sentry_cli_puts_it(frame, url):
    """Code is found by package and file, by class without a file, and in Kotlin's short folders."""
    clear = add_source_lines(frame | {"lineno": 2}, [Sources({}), Sources({url: "a\nb\nc"})])
    assert (clear["pre_context"], clear["context_line"], clear["post_context"]) == (
        ["a"],
        "b",
        ["c"],
    )


def test_five_lines_stand_before_and_after():
    """Fewer where the file begins or ends."""
    bundle = Sources({"~/a/B.jvm": "\r\n".join(f"line {number}" for number in range(1, 21))})
    clear = add_source_lines({"module": "a.B", "filename": "B.java", "lineno": 10}, [bundle])
    assert clear["pre_context"] == [f"line {number}" for number in range(5, 10)]
    assert clear["post_context"] == [f"line {number}" for number in range(11, 16)]
    assert bundle.asked == ["~/a/B.jvm"]


@pytest.mark.parametrize(
    "members",
    [{}, {"lineno": 0}, {"lineno": 99}, {"lineno": True}, {"lineno": 1, "context_line": "x"}],
)
def test_a_frame_without_a_line_in_the_code_stays(members):
    """Neither a wrong line nor an empty one is shown, and lines that were sent stay."""
    frame = {"module": "a.B", "filename": "B.java", **members}
    assert add_source_lines(frame, [Sources({"~/a/B.jvm": "one"})]) == frame
