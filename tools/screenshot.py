"""Takes the picture of the README: the replay of the demo, as a new installation shows it.

    .venv/bin/python tools/screenshot.py docs/replay.webp

It starts a server with a data folder of its own, signs in by the printed link, presses “Play the
demo app”, waits until its replay has opened, and goes to the moment at which the payment has
failed. It needs the browser of the tests (`make system`).
"""

import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page, sync_playwright

_ROOT: Final = Path(__file__).resolve().parents[1]
_PORT: Final = 8791
_SIZE: Final = {"width": 1440, "height": 900}
_MOMENT_S: Final = 83
_QUALITY: Final = 82
_PASSWORD: Final = "picture of a replay page"  # noqa: S105 - of an account that lives for a minute


def main() -> None:
    """Write the picture to the path that the command line names."""
    target = Path(sys.argv[1])
    with _server() as sign_in_link, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport=_SIZE, color_scheme="light", locale="en-GB")  # type: ignore[arg-type]  # a plain dict
        _open_demo_replay(page, sign_in_link)
        picture = page.screenshot()
        browser.close()
    Image.open(io.BytesIO(picture)).convert("RGB").save(target, "WEBP", quality=_QUALITY, method=6)
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


@contextmanager
def _server() -> Iterator[str]:
    """Run a server on a fresh data folder; yields the sign-in link that it prints."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # started by root, Postgres runs as another user
        command = [
            sys.executable, "-m", "app.cli", "serve",
            "--port", str(_PORT), "--data-dir", f"{folder}/data",
        ]  # fmt: skip
        server = subprocess.Popen(  # noqa: S603 - our own program
            command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            assert server.stdout is not None  # noqa: S101 - it is a pipe
            link = next(
                match[0]
                for line in server.stdout
                if (match := re.search(r"http://localhost:\d+/sign-in/\S+", line))
            )
            yield link
        finally:
            server.terminate()
            server.wait()


def _open_demo_replay(page: Page, sign_in_link: str) -> None:
    """Sign in, play the demo, and stand at the moment that the picture shows."""
    page.goto(sign_in_link)
    page.locator("main form button").click()
    page.locator("input[type=password]").first.fill(_PASSWORD)
    page.locator("main form button", has_text="password").first.click()
    page.goto(f"http://localhost:{_PORT}/replays")
    page.get_by_role("button", name="Play the demo app").click()
    page.wait_for_url(re.compile(r"/replays/[0-9a-f]{32}"), timeout=120_000)
    page.wait_for_timeout(8_000)  # errors of the backend come later than the replay
    page.goto(f"{page.url.partition('?')[0]}?t={_MOMENT_S}")
    page.wait_for_function("document.querySelector('video, canvas') !== null")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1_500)  # the picture is decoded, the panels have followed


if __name__ == "__main__":
    main()
