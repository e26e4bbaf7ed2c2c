"""Every page in every state, as HTML."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import override

import jinja2
import pytest

from app.web.account import page as account
from app.web.frame.rendering import assets
from app.web.frame.rendering.chrome import Chrome
from app.web.frame.rendering.renderer import Renderer
from app.web.words.replay.facts import Fact
from tests.unit.web.samples.pages import HEADER, REPLAY_PAGE, SAMPLES, Sample, with_top

RENDERER = Renderer(static_base="/static/3f2a/")
VOID = {"meta", "link", "input", "br", "hr", "col", "path", "use", "circle"}


class Page(HTMLParser):
    """Collects tags, attributes and ids of a page, and whether its tags are balanced."""

    def __init__(self, html: str):
        super().__init__()
        self.html = html
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)
        self.close()

    @override
    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    @override
    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]

    @override
    def handle_endtag(self, tag):
        if tag == "p" and self.open[-1:] != ["p"]:
            self.wrong.append(f"stray </p> in {self.open[-3:]}")
        elif self.open[-1:] == [tag]:
            self.open.pop()
        else:
            self.wrong.append(f"</{tag}> closes {self.open[-3:]}")

    def values(self, name: str) -> list[str]:
        return [value for _, found, value in self.attributes if found == name and value]


def render(sample: Sample) -> Page:
    """Render and inspect one sample without the inline assets that the policy allows."""
    html = RENDERER.render_page(sample.template, sample.page, chrome=sample.chrome)
    for part in (RENDERER.inlined.html, RENDERER.inlined.styles):
        html = html.replace(part, "")
    return Page(html)


@pytest.fixture(params=list(SAMPLES))
def page(request) -> Page:
    """Yield each page in each state."""
    return render(SAMPLES[request.param])


def test_every_page_is_one_well_formed_document(page):
    """Tags are balanced, ids are unique, there is one h1 and one main."""
    assert not page.wrong
    assert not page.open
    assert len(page.ids) == len(set(page.ids))
    assert len(re.findall("<h1", page.html)) == 1
    assert len(re.findall("<main", page.html)) == 1


def test_no_page_needs_inline_code_or_styles(page):
    """The policy allows neither, except for one of each in the page of a replay."""
    names = {name for _, name, _ in page.attributes}
    assert "style" not in names
    assert not [name for name in names if name.startswith("on")]
    assert "<style" not in page.html
    assert not re.search(r"<script(?![^>]* src=)", page.html)
    assert not [value for value in page.values("href") if value.startswith("javascript:")]


def test_labels_and_descriptions_point_to_elements_of_the_page(page):
    """Elements named by `for`, `aria-labelledby` and `aria-describedby` exist."""
    for name in ("for", "aria-labelledby", "aria-describedby"):
        for value in page.values(name):
            assert set(value.split()) <= set(page.ids)


def test_links_within_a_page_lead_somewhere(page):
    """A fragment names an element of the same page."""
    fragments = {value[1:] for value in page.values("href") if re.match(r"#[^-]+$", value)}
    assert fragments - {""} <= set(page.ids)


def test_static_files_are_addressed_below_the_given_base(page):
    """Every style sheet, script and picture has the same base, which names the release."""
    sources = page.values("src") + [value for value in page.values("href") if "/static" in value]
    assert sources
    assert all(source.startswith("/static/3f2a/") for source in sources)


def test_every_static_file_named_by_a_page_exists(page, request):
    """No page asks for a style sheet, script or font that is not there."""
    root = request.config.rootpath / "static"
    for value in [*page.values("src"), *page.values("href")]:
        if value.startswith("/static/3f2a/"):
            path, _, query = value.removeprefix("/static/3f2a/").partition("?")
            assert (root / path).is_file() or assets.read_asset(path, query) is not None, value


def test_what_users_send_is_escaped_everywhere():
    """Markup in a name is text on the page."""
    evil = '"><img src=x onerror=alert(1)>\u202e'
    end = Fact("Ended", evil, "/replays", evil)
    header = replace(HEADER, user=evil, end=end, project_name=evil)
    page = render(
        Sample("replay/page.html", with_top(REPLAY_PAGE, header=header), Chrome(evil, "/" + evil))
    )
    assert "<img" not in page.html
    assert "\u202e" not in page.html
    assert "⟨U+202E⟩" in page.html


def test_a_missing_field_is_an_error_and_no_empty_text():
    """A template that asks for what the page does not have fails."""
    with pytest.raises(jinja2.UndefinedError):
        RENDERER.render_page("state/error.html", object(), chrome=Chrome(None, "/"))


def test_a_template_may_not_write_none():
    """None on a page is a mistake and raises an error."""
    page = account.SetPasswordPage(None, 12)  # type: ignore[arg-type] # the mistake under test
    with pytest.raises(ValueError, match="writes None"):
        RENDERER.render_page("account/set_password.html", page, chrome=Chrome(None, "/"))


def test_the_theme_is_in_the_first_byte_of_the_page():
    """A chosen theme is drawn without a script and without a flash."""
    page = render(replace(SAMPLES["error"], chrome=Chrome(None, "/", "dark")))
    assert '<html lang="en" data-theme="dark">' in page.html


def test_a_stranger_sees_no_navigation():
    """Somebody who is not signed in gets neither navigation nor an account menu."""
    page = render(SAMPLES["sign in"])
    assert "<nav" not in page.html
    assert "Sign out" not in page.html


def test_a_replay_is_complete_without_javascript():
    """Activity, requests, errors with stacks, traces, segments and facts are in the page itself."""
    html = render(SAMPLES["replay"]).html
    for text in ("Tap on email", "/items?page=2", "PaymentException", "step_7", "CheckoutActivity",
                 "/2.mp4", "Text is not masked.", "app in background"):  # fmt: skip
        assert text in html


def test_rows_carry_their_time_for_the_script():
    """Every row with a moment has it in milliseconds."""
    page = render(SAMPLES["replay"])
    assert {"0", "2100", "44500"} <= set(page.values("data-at-ms"))


def test_deleting_can_be_asked_for_without_a_script():
    """The menu's entry is a link to a page that asks; the dialog posts to the same address."""
    page = render(SAMPLES["replay"])
    assert REPLAY_PAGE.top.deletion
    assert page.html.count(f'href="{REPLAY_PAGE.top.deletion.href}"') == 1
    assert page.html.count(f'action="{REPLAY_PAGE.top.deletion.href}"') == 1


def test_who_may_not_delete_is_not_offered_it():
    """People without the right to delete see neither the menu entry nor the dialog."""
    assert "delete" not in render(SAMPLES["replay, empty"]).html.lower()
