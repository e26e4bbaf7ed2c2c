"""Tests of the rules that say whose a native frame is."""

import pytest

from app.symbolication.native import dart_code, own_code


@pytest.mark.parametrize(
    ("path", "is_own"),
    [
        ("/data/app/~~x==/com.acme.shop-1==/lib/arm64/libshop.so", True),
        ("/data/app/~~x==/com.acme.shop-1==/base.apk!/lib/arm64-v8a/libshop.so", True),
        ("/data/user/0/com.acme.shop/code_cache/libx.so", True),
        ("/mnt/asec/com.acme.shop-1/lib/libshop.so", True),
        ("/private/var/containers/Bundle/Application/7F1E/Shop.app/Frameworks/Shop", True),
        ("/Users/ci/Library/Developer/CoreSimulator/Devices/1/data/Shop.app/Shop", True),
        ("/Applications/Shop.app/Contents/MacOS/Shop", True),
        ("/system/lib64/libc.so", False),
        ("/vendor/lib64/egl/libGLES.so", False),
        ("/apex/com.android.art/lib64/libart.so", False),
        ("/System/Library/PrivateFrameworks/UIKitCore.framework/UIKitCore", False),
        ("/System/Library/CoreServices/SpringBoard.app/SpringBoard", False),
        ("/usr/lib/swift/libswiftCore.dylib", False),
        ("/Library/Developer/CoreSimulator/Profiles/Runtimes/iOS.simruntime/UIKit", False),
        ("/Applications/Xcode.app/Contents/Developer/Platforms/libMain.dylib", False),
        ("[vdso]", False),
        ("libapp.so", None),
        ("", None),
    ],
)
def test_libraries(path, is_own):
    """The folder of a library says whether it came with the app or with the system."""
    assert own_code.is_own_library(path) is is_own


@pytest.mark.parametrize(
    ("path", "clear"),
    [
        ("/b/s/w/ir/package:flutter/src/a.dart", "package:flutter/src/a.dart"),
        ("package:shop/main.dart", "package:shop/main.dart"),
        (
            "/x/org-dartlang-sdk:///sdk/lib/async/zone.dart",
            "org-dartlang-sdk:///sdk/lib/async/zone.dart",
        ),
        ("dart:core", "dart:core"),
        ("/home/ci/cart.cpp", "/home/ci/cart.cpp"),
    ],
)
def test_dart_paths(path, clear):
    """The folder in which a compiler ran is cut off from the address of a Dart library."""
    assert dart_code.cut_path(path) == clear
    assert dart_code.is_dart_path(clear) is (not clear.startswith("/"))


SHOP = "package:shop/cart.dart"
CORE = "package:shop_core/cart.dart"
CORE_MAIN = "package:shop_core/main.dart"
FLUTTER = "package:flutter/src/material/ink_well.dart"


@pytest.mark.parametrize(
    ("paths", "hint", "own"),
    [
        # No entry point, no identifier that says more: all packages that are not well known.
        ([SHOP, CORE, FLUTTER], None, [SHOP, CORE]),
        ([SHOP, CORE, FLUTTER], "com.acme.till", [SHOP, CORE]),
        ([SHOP, CORE, FLUTTER], "com.acme.shop", [SHOP]),
        ([SHOP, FLUTTER, CORE_MAIN], "com.acme.shop", [CORE_MAIN]),
        ([FLUTTER], "io.flutter", []),
    ],
)
def test_packages_of_a_dart_app(paths, hint, own):
    """The app's package has the entry point, or the name of the app; else it is not a known one."""
    packages = dart_code.find_app_packages(paths, hint)
    assert [path for path in paths if dart_code.is_own_library(path, packages)] == own


@pytest.mark.parametrize(
    ("path", "is_own"),
    [
        ("dart:async", False),
        ("org-dartlang-sdk:///flutter/lib/ui/hooks.dart", False),
        ("org-dartlang-app:///shop.dart", True),
    ],
)
def test_dart_code_outside_of_packages(path, is_own):
    """The SDK is nobody's app; what was compiled without a package is the app's."""
    assert dart_code.is_own_library(path, frozenset()) is is_own
