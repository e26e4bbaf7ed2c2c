"""Knows what is particular about frames of Dart: their paths, and which packages are the app's.

/b/s/w/…/package:flutter/src/material/ink_well.dart ─► package:flutter/src/material/ink_well.dart
"""

import re
from collections.abc import Collection, Sequence
from typing import Final

_CLEAR_PATH: Final = re.compile(r"(?:package:|dart:|org-dartlang-sdk:|org-dartlang-app:)")
_PACKAGE: Final = re.compile(r"package:([^/]+)/")
_MAIN_FILES: Final = ("main.dart", "main_dev.dart", "main_development.dart", "main_prod.dart",
                      "main_production.dart", "main_staging.dart", "main_test.dart")  # fmt: skip
_SDK: Final = ("dart:", "org-dartlang-sdk:")
SUSPENSION: Final = "<asynchronous suspension>"
"""The path of a frame that stands for an `await`."""
_FOREIGN_PACKAGES: Final = frozenset({
    "animations", "archive", "args", "async", "audioplayers", "auto_route", "bloc",
    "boolean_selector", "cached_network_image", "camera", "characters", "clock",
    "cloud_firestore", "collection", "connectivity_plus", "convert", "cross_file", "crypto",
    "cupertino_icons", "device_info_plus", "dio", "drift", "equatable", "fake_async", "ffi",
    "file", "file_picker", "firebase_analytics", "firebase_auth", "firebase_core",
    "firebase_messaging", "flame", "flutter", "flutter_bloc", "flutter_cache_manager",
    "flutter_driver", "flutter_hooks", "flutter_localizations", "flutter_riverpod",
    "flutter_secure_storage", "flutter_svg", "flutter_test", "flutter_web_plugins", "fpdart",
    "freezed_annotation", "geolocator", "get", "get_it", "go_router", "google_fonts",
    "google_maps_flutter", "google_sign_in", "graphql", "graphql_flutter", "grpc", "hive",
    "hive_flutter", "hooks_riverpod", "http", "http_parser", "hydrated_bloc", "image",
    "image_picker", "in_app_purchase", "integration_test", "intl", "isar", "jni", "js",
    "json_annotation", "just_audio", "leak_tracker", "local_auth", "logger", "logging",
    "lottie", "matcher", "material_color_utilities", "meta", "mime", "mobile_scanner", "mobx",
    "nested", "objectbox", "package_info_plus", "path", "path_provider", "permission_handler",
    "petitparser", "photo_view", "platform", "plugin_platform_interface", "pool", "process",
    "protobuf", "provider", "quiver", "realm", "redux", "rive", "riverpod", "rxdart", "sembast",
    "sentry", "sentry_dio", "sentry_drift", "sentry_file", "sentry_flutter", "sentry_hive",
    "sentry_isar", "sentry_logging", "sentry_sqflite", "share_plus", "shared_preferences",
    "shimmer", "signals", "sky_engine", "source_span", "sqflite", "sqflite_common", "sqlite3",
    "stack_trace", "state_notifier", "stream_channel", "stream_transform", "string_scanner",
    "supabase", "supabase_flutter", "synchronized", "term_glyph", "test_api", "timezone",
    "tuple", "typed_data", "url_launcher", "uuid", "vector_graphics", "vector_math",
    "video_player", "visibility_detector", "vm_service", "web_socket_channel",
    "webview_flutter", "win32", "workmanager", "xml", "yaml",
})  # fmt: skip
"""Packages of Flutter and the most used ones of pub.dev."""


def cut_path(path: str) -> str:
    """Cut off what stands before the address of a Dart library; other paths stay as they are."""
    match = _CLEAR_PATH.search(path)
    return path[match.start() :] if match else path


def is_dart_path(path: str) -> bool:
    """Tell whether a path that was cut is the address of a Dart library."""
    return _CLEAR_PATH.match(path) is not None


def find_app_packages(paths: Sequence[str], hint: str | None) -> frozenset[str]:
    """Find the packages of the app among those on its stacks.

    Args:
        paths: The addresses of the libraries on the stacks.
        hint: The identifier of the app, such as `com.acme.shop`.

    Returns:
        The package with the app's entry point, or the one that the identifier ends with; empty if
        neither is on the stacks.
    """
    packages = {package for path in paths if (package := _read_package(path))}
    entries = {
        package
        for path in paths
        if (package := _read_package(path)) and path.rpartition("/")[2] in _MAIN_FILES
    }
    if entries:
        return frozenset(entries)
    last = (hint or "").rpartition(".")[2]
    return frozenset({last} & (packages - _FOREIGN_PACKAGES))


def is_own_library(path: str, app_packages: Collection[str]) -> bool:
    """Tell whether a Dart library belongs to the app.

    Args:
        path: The address of the library.
        app_packages: The packages that `find_app_packages` returned.
    """
    if path.startswith(_SDK):
        return False
    package = _read_package(path)
    if package is None:
        return True  # org-dartlang-app: the app before it is compiled
    return package in app_packages if app_packages else package not in _FOREIGN_PACKAGES


def _read_package(path: str) -> str | None:
    match = _PACKAGE.match(path)
    return match[1] if match else None
