"""Tests of the table of known SDK faults."""

import pytest

from app.playback.sdk_faults import FAULTS, find_known_faults


def texts(name: str, version: str, os_version: str = "15", **options: str) -> str:
    """Return all that is known of an SDK, as one text."""
    facts = {"sdk_name": name, "sdk_version": version, "os_version": os_version}
    return "\n".join(fault.text for fault in find_known_faults(facts, options or None))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_ends_with_the_version_that_mends_it(fault):
    """One version before has it, the version itself has not."""
    name = {"android": "sentry.java.android", "cocoa": "sentry.cocoa",
            "react-native": "sentry.javascript.react-native",
            "flutter": "sentry.dart.flutter"}[fault.family]  # fmt: skip
    os_version = f"{fault.since_os or 15}.1"
    mended = ".".join(map(str, fault.fixed_in))
    major, minor, patch = fault.fixed_in
    before = f"{major}.{minor}.{patch - 1}" if patch else f"{major}.{minor - 1}.999"
    before = f"{major - 1}.999.999" if not minor and not patch else before
    assert fault.text in texts(name, before, os_version)
    assert fault.text not in texts(name, mended, os_version)


def test_the_native_sdk_counts_under_other_frameworks():
    """React Native records by the native SDK, which the options name."""
    options = {"nativeSdkName": "sentry.java.android", "nativeSdkVersion": "8.12.0"}
    warnings = texts("sentry.javascript.react-native", "8.23.0", **options)
    assert "Android SDK 8.12.0: text in Jetpack Compose" in warnings
    assert "React Native" not in warnings


def test_some_faults_need_a_newer_system():
    """The fault of masking on iOS 26 is not claimed on iOS 18 or on an unknown version."""
    assert "SwiftUI" in texts("sentry.cocoa", "8.57.0", "26.0")
    assert "SwiftUI" not in texts("sentry.cocoa", "8.57.0", "18.2")
    assert "SwiftUI" not in texts("sentry.cocoa", "8.57.0", "")


def test_faults_of_privacy_come_first():
    """The rest follows."""
    facts = {"sdk_name": "sentry.java.android.react-native", "sdk_version": "7.1"}
    privacy = [fault.is_private for fault in find_known_faults(facts, None)]
    assert privacy[0]
    assert privacy == sorted(privacy, reverse=True)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("sentry.javascript.browser", "7.0.0"),
        ("sentry.cocoa", "new"),
        ("", ""),
        ("sentry.cocoa", "99"),
    ],
)
def test_nothing_is_claimed_of_what_is_not_known(name: str, version: str):
    """Other SDKs, unreadable versions and the newest versions have no known faults."""
    assert texts(name, version, "26") == ""
