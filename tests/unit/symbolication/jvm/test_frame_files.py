"""Frames get the file of their class, and say whether they belong to the app."""

from typing import Any

import pytest

from app.symbolication.jvm import own_code
from tests.support.symbolication.retracing import (
    is_jvm,
    make_frame,
    make_retracer,
    retrace_files,
)

FILES = """\
com.acme.Cart$$ExternalSyntheticLambda0 -> a.b:
# {"id":"sourceFile","fileName":"R8$$SyntheticClass"}
    2:3:void com.acme.Cart.lambda$add$0():225:226 -> run
com.acme.Cart -> a.a:
# {"id":"sourceFile","fileName":"Shop.kt"}
    1:1:void add():8:8 -> a
com.acme.PlainKt -> a.c:
    1:1:void com.acme.Check.positive(int):8:8 -> a
    1:1:void com.acme.Cart$Line.price():30:30 -> a
    1:1:void top():4 -> a
com.acme.ComposableSingletons$HomeKt$lambda-1$1 -> a.d:
    1:1:void invoke():12:12 -> a
Root -> b:
    1:1:void main():1:1 -> a
com.acme.Cart$$Lambda$1 -> a.e:
    1:1:void run():1:1 -> a
com.acme.-$$Lambda$Home$xY3 -> a.f:
    1:1:void run():1:1 -> a
kotlin.collections.CollectionsKt__IterablesKt -> a.g:
    1:1:int sum():1:1 -> a
"""


@pytest.mark.parametrize(
    ("place", "sent", "files"),
    [
        (("a.a.a", 1), "SourceFile", ["Shop.kt"]),
        (("a.a.a", 1), "Cart.java", ["Shop.kt"]),
        (("a.b.run", 3), "SourceFile", ["Shop.kt"]),
        (("a.b.run", None), "SourceFile", ["Shop.kt"]),
        (("a.c.a", 1), "SourceFile", ["Check.kt", "Shop.kt", "Plain.kt"]),
        (("a.c.a", 1), "Top.kt", ["Check.kt", "Shop.kt", "Top.kt"]),
        (("a.c.a", 1), "r8-map-id-4fe1c2a", ["Check.kt", "Shop.kt", "Plain.kt"]),
        (("a.d.a", 1), "Unknown Source", ["Home.kt"]),
        (("b.a", 1), None, ["Root.java"]),
        (("b.missing", 1), "", ["Root.java"]),
        (("b.missing", 1), "Main.kt", ["Main.kt"]),
        (("a.e.a", 1), "SourceFile", ["Shop.kt"]),
        (("a.e.a", 1), "D8$$SyntheticClass", ["Shop.kt"]),
        (("a.f.a", 1), "PG", ["Home.java"]),
        (("a.g.a", 1), "PG", ["Iterables.kt"]),
    ],
)
def test_files_come_from_the_mapping_the_frame_or_the_class(place, sent, files):
    """Noted files win; what a shrinker wrote in place of a file never stays."""
    assert retrace_files(FILES, place, sent) == files


def test_own_frames_are_decided_after_the_names_are_clear():
    """The sender's own mark counts first, then the app's package, then those of the platform."""
    mapping = """\
com.acme.shop.Cart -> a.a:
    1:1:void kotlin.collections.CollectionsKt.first():3:3 -> a
    1:1:void add():8 -> a
com.acme.shopping.Other -> a.b:
okhttp3.Call -> a.c:
androidx.core.View -> a.d:
"""
    retracer = make_retracer(mapping, app_packages=("com.acme.shop",))

    def decide(name: str, **members: Any) -> list[Any]:
        frames = [make_frame((name, 1), **members)]
        clear = retracer.retrace_frames(frames, is_jvm, None)
        return [frame.get("in_app") for frame in clear]

    assert decide("a.a.a") == [True, False]
    assert decide("a.a.a", in_app=True) == [True, False]
    assert decide("a.a.b", in_app=False) == [False]
    assert decide("a.b.a") == [None]
    assert decide("a.c.a") == [None]
    assert decide("a.d.a") == [False]
    assert decide("android.os.Looper.loop") == [False]
    assert decide("q.unknown.a") == [None]
    assert (retracer.known_frames, retracer.unknown_frames) == (6, 1)
    assert list(retracer.unknown_classes) == ["q.unknown"]


def test_the_packages_of_an_app_come_from_release_and_context():
    """A release that is only a version, or a name without a dot, says nothing."""
    context = {"app": {"app_identifier": "com.acme.kiosk.beta"}}
    event = {"release": "com.acme.shop@2.4.0+240", "contexts": context}
    assert own_code.read_app_packages(event) == (
        "com.acme.shop",
        "com.acme.kiosk.beta",
        "com.acme.kiosk",
    )
    assert own_code.read_app_packages({"release": "acme.beta@1"}) == ("acme.beta",)
    assert own_code.read_app_packages({"release": "2.4.0", "contexts": None}) == ()
    assert own_code.read_app_packages({"release": "shop@2.4.0"}) == ()
