"""Templates to HTML: one environment, escaping everything, refusing what is undefined."""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.core import units
from app.core.shipped import TEMPLATES
from app.web.frame.rendering import inlined_assets, page_compression
from app.web.frame.rendering.chrome import Chrome
from app.web.urls import account_urls, issue_urls, list_urls, project_urls, replay_urls
from app.web.words import activity, phrases, problems, search_help

_FLUSH: Final = "<!-- The rest follows. -->"
"""Where a template may be cut: what stands before it is sent while the rest is being found."""


class Later:
    """Stands for the value of a page: at first for what its head needs, then for all of it."""

    def __init__(self, first: object) -> None:
        self._value = first

    def become(self, value: object) -> None:
        """Stand for the whole value from here on."""
        self._value = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._value, name)


class Renderer:
    """Renders pages from their values.

    Args of the constructor:
        static_base: Where `static/` is served, without a slash at the end; a base that carries
            the release (`/static/3f2a…`) lets browsers keep the files for ever, since every
            address inside CSS and JavaScript is relative.
    """

    def __init__(self, *, static_base: str = "/static", templates: Path = TEMPLATES) -> None:
        static_base = static_base.rstrip("/")
        self.inlined: Final = inlined_assets.inline_replay_assets(static_base)
        """What the page of a replay carries in itself."""
        self.ready: Final = page_compression.compress_part(self.inlined.html.encode())
        self._environment = Environment(
            loader=FileSystemLoader(templates),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_finalize,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(
            clock=units.format_clock,
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
            list_urls=list_urls,
            project_urls=project_urls,
            replay_urls=replay_urls,
            static_base=static_base,
            styles=",".join(inlined_assets.COMMON),
            inside=self.inlined,
            flush=_FLUSH,
            search_help=search_help.HELP,
        )

    def prepare(self) -> None:
        """Read all templates, so that nobody waits: those of the replay page take 80 ms."""
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def page(self, template: str, page: object, *, chrome: Chrome) -> str:
        """Render one page, for example `page("replays/page.html", list_page, chrome=chrome)`."""
        return self._environment.get_template(template).render(page=page, chrome=chrome)

    def pieces(self, template: str, page: Later, *, chrome: Chrome) -> Iterator[str]:
        """Render a page in pieces; between them, `page` may become what the next one needs."""
        piece: list[str] = []
        for chunk in self._environment.get_template(template).generate(page=page, chrome=chrome):
            if chunk != _FLUSH:
                piece.append(chunk)
                continue
            yield "".join(piece)
            piece.clear()
        yield "".join(piece)

    def unfinished(self) -> str:
        """Render what follows the head of a page when the rest could not be found."""
        return self._environment.get_template("state/_unfinished.html").render()


def _base64(data: bytes) -> str:
    """Write bytes as text, for scripts."""
    return b64encode(data).decode("ascii")


def _finalize(value: object) -> object:
    """Make every text that a template writes safe to look at; None is a mistake, not a word."""
    if value is None:
        raise ValueError("a template wrote None: ask for the value before writing it")
    return phrases.visible(value) if type(value) is str else value
