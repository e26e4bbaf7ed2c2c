"""Addresses of scripts, maps and sources."""

import pytest

from app.formats.debug_files.script_urls import (
    is_script_address,
    list_url_candidates,
    resolve_url,
    shorten_source_name,
)


@pytest.mark.parametrize(
    ("url", "candidates"),
    [
        (
            "https://shop.example/a/app.js?v=2#top",
            [
                "https://shop.example/a/app.js?v=2#top",
                "https://shop.example/a/app.js",
                "~/a/app.js?v=2#top",
                "~/a/app.js",
            ],
        ),
        ("app:///index.android.bundle", ["app:///index.android.bundle", "~/index.android.bundle"]),
        ("~/app.js", ["~/app.js"]),
        ("main.jsbundle", ["main.jsbundle", "~/main.jsbundle"]),
        ("/srv/app/main.js", ["/srv/app/main.js", "~/srv/app/main.js"]),
        ("https://shop.example", ["https://shop.example", "~/"]),
    ],
)
def test_a_script_is_looked_up_under_several_addresses(url, candidates):
    """The most exact address comes first, `~` for any scheme and host last."""
    assert list_url_candidates(url) == candidates


@pytest.mark.parametrize(
    ("base", "reference", "expected"),
    [
        ("~/static/app.js", "app.js.map", "~/static/app.js.map"),
        ("~/static/app.js", "../maps/app.map", "~/maps/app.map"),
        ("~/static/app.js", "/maps/./app.map", "~/maps/app.map"),
        ("~/app.js", "../../../app.map", "~/app.map"),
        ("https://a.example/x/app.js", "app.map", "https://a.example/x/app.map"),
        ("https://a.example/x/app.js", "//b.example/app.map", "https://b.example/app.map"),
        ("https://a.example", "app.map", "https://a.example/app.map"),
        ("~/app.js", "https://b.example/app.map", "https://b.example/app.map"),
        ("~/app.js", "webpack:///./src/a.js", "webpack:///./src/a.js"),
        ("~/app.js", "webpack:src/a.js", "webpack:src/a.js"),
        ("~/app.js", "~/other.map", "~/other.map"),
        ("app:///index.android.bundle", "/Users/ci/a.js", "app:///Users/ci/a.js"),
        ("app.js", "app.js.map", "/app.js.map"),
        ("~/app.js", "C:\\src\\a.js", "~/C:\\src\\a.js"),
    ],
)
def test_addresses_are_resolved_against_the_file_that_names_them(base, reference, expected):
    """Relative ones stay on the host of the base and do not leave its root."""
    assert resolve_url(base, reference) == expected


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("webpack:///./src/cart.js", "./src/cart.js"),
        ("webpack://shop/./src/cart.vue?1a2b", "./src/cart.vue"),
        ("webpack:///src/a.js?vue&type=script", "src/a.js?vue&type=script"),
        ("webpack:///../~/lodash/lodash.js", "~/lodash/lodash.js"),
        ("webpack:///", "webpack:///"),
        ("webpack-internal:///(rsc)/./src/app/page.tsx", "./src/app/page.tsx"),
        ("turbopack:///[project]/src/a.ts", "[project]/src/a.ts"),
        ("app:///src/a.js", "src/a.js"),
        ("../src/pay.js", "../src/pay.js"),
        ("/Users/ci/shop/index.js", "/Users/ci/shop/index.js"),
    ],
)
def test_names_of_sources_lose_what_bundlers_add(source, name):
    """People know the file without the scheme of the bundler."""
    assert shorten_source_name(source) == name


@pytest.mark.parametrize(
    "url",
    [
        "native",
        "[native code]",
        "<anonymous>",
        "",
        "app:///InternalBytecode.js",
        "node:fs",
        None,
        5,
    ],
)
def test_engines_have_no_source_maps(url):
    """Frames of the engine itself are left as they are."""
    assert not is_script_address(url)


@pytest.mark.parametrize("url", ["app:///main.jsbundle", "https://a.example/app.js", "index.js"])
def test_scripts_of_apps_may_have_source_maps(url):
    """Every other address may be a script of the app."""
    assert is_script_address(url)
