"""Templates to HTML: one environment, escaping everything, refusing what is undefined."""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.core import units
from app.web.modules import modules
from app.web.view import hrefs, panel_filters, search_bar, words
from app.web.view.chrome import Chrome

_ROOT: Final = Path(__file__).resolve().parents[2]
TEMPLATES: Final = _ROOT / "templates"


class Renderer:
    """Renders pages from their values.

    Args of the constructor:
        static_base: Where `static/` is served, without a slash at the end; a base that carries
            the release (`/static/3f2a…`) lets browsers keep the files for ever, since every
            address inside CSS and JavaScript is relative.
    """

    def __init__(self, *, static_base: str = "/static", templates: Path = TEMPLATES) -> None:
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
            clock=units.clock_text,
            duration=units.duration_text,
            bytes=units.bytes_text,
            day_and_time=words.day_and_time,
            exact=words.exact,
            iso=words.iso,
            counted=words.count,
            shortened=words.shortened,
            screen_path=words.screen_path,
            status_words=panel_filters.status_words,
            error_words=panel_filters.error_words,
        )
        self._environment.globals.update(
            hrefs=hrefs,
            static_base=static_base.rstrip("/"),
            modules=modules,
            search_help=search_bar.HELP,
        )

    def page(self, template: str, page: object, *, chrome: Chrome) -> str:
        """Render one page, for example `page("replays/page.html", list_page, chrome=chrome)`."""
        return self._environment.get_template(template).render(page=page, chrome=chrome)


def _finalize(value: object) -> object:
    """Make every text that a template writes safe to look at; None is a mistake, not a word."""
    if value is None:
        raise ValueError("a template wrote None: ask for the value before writing it")
    return words.visible(value) if type(value) is str else value
