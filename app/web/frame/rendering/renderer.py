"""Renders templates to HTML: everything is escaped, and an undefined name is an error."""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.core import units
from app.core.shipped import TEMPLATES
from app.web.frame.rendering import inlined_assets, page_compression
from app.web.frame.rendering.chrome import Chrome
from app.web.urls import (
    account_urls,
    alert_urls,
    erasure_urls,
    issue_urls,
    list_urls,
    project_urls,
    replay_address,
    replay_urls,
    server_urls,
)
from app.web.words import phrases, search_help
from app.web.words.panels import activity, problems

_FLUSH: Final = "<!-- The rest follows. -->"
"""Marks where a template is cut: the HTML before it is sent while the rest is read."""


class ReplaceableValue:
    """Stands for the value of a page, and is replaced by a fuller value for each further piece."""

    def __init__(self, first_value: object) -> None:
        self._value = first_value

    def replace_by(self, value: object) -> None:
        """Stand for another value from here on."""
        self._value = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._value, name)


class Renderer:
    """Renders pages from their values.

    Args of the constructor:
        static_base: The address of `static/`. A base that names the content (`/static/3f2a…`)
            lets browsers keep the files for ever, since every address inside CSS and JavaScript
            is relative.
        templates: The folder of the templates.
        has_cells: True if the installation is one of several, so that pages lead to the others.
    """

    def __init__(
        self,
        *,
        static_base: str = "/static",
        templates: Path = TEMPLATES,
        has_cells: bool = False,
    ) -> None:
        static_base = static_base.rstrip("/")
        self.inlined: Final = inlined_assets.inline_replay_assets(static_base)
        """The style sheet and script that are part of the page of a replay."""
        self.compressed_part: Final = page_compression.compress_part(self.inlined.html.encode())
        self._environment = Environment(
            loader=FileSystemLoader(templates),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_make_visible,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(
            clock=units.format_clock,
            seconds=replay_address.write_seconds,
            duration=units.format_duration,
            bytes=units.format_bytes,
            base64=_base64,
            day_and_time=phrases.day_and_time,
            time_of_day=phrases.time_of_day,
            exact=phrases.exact,
            iso=phrases.iso,
            counted=phrases.count,
            shortened=phrases.shortened,
            screen_path=phrases.screen_path,
            status_words=activity.status_words,
            error_words=problems.error_words,
        )
        self._environment.globals.update(
            account_urls=account_urls,
            issue_urls=issue_urls,
            erasure_urls=erasure_urls,
            list_urls=list_urls,
            alert_urls=alert_urls,
            project_urls=project_urls,
            replay_urls=replay_urls,
            server_urls=server_urls,
            static_base=static_base,
            has_cells=has_cells,
            styles=",".join(inlined_assets.COMMON),
            inside=self.inlined,
            flush=_FLUSH,
            search_help=search_help.HELP,
        )

    def prepare(self) -> None:
        """Load all templates, so that no visitor waits: those of the replay page take 80 ms."""
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def render_page(self, template: str, page: object, *, chrome: Chrome) -> str:
        """Render a page, as in `render_page("replays/page.html", list_page, chrome=chrome)`."""
        return self._environment.get_template(template).render(page=page, chrome=chrome)

    def render_pieces(
        self, template: str, page: ReplaceableValue, *, chrome: Chrome
    ) -> Iterator[str]:
        """Render a page in pieces; between them, `page` may be given the value of the next one."""
        piece: list[str] = []
        for chunk in self._environment.get_template(template).generate(page=page, chrome=chrome):
            if chunk != _FLUSH:
                piece.append(chunk)
                continue
            yield "".join(piece)
            piece.clear()
        yield "".join(piece)

    def render_unfinished(self) -> str:
        """Render the end of a page whose head is sent and whose values could not be read."""
        return self._environment.get_template("state/_unfinished.html").render()


def _base64(data: bytes) -> str:
    """Write bytes as base64, for scripts."""
    return b64encode(data).decode("ascii")


def _make_visible(value: object) -> object:
    """Make the control characters of every text visible; a value of None is a mistake."""
    if value is None:
        raise ValueError("a template writes None: test the value before writing it")
    return phrases.visible(value) if type(value) is str else value
