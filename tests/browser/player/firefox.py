"""Drives Firefox by Marionette, its own protocol, so that no driver needs to be installed.

    → 41:[0,1,"WebDriver:Navigate",{"url":"http://…"}]        length, colon, JSON
    ← 14:[1,1,null,null]                                      error, result

A `Firefox` has the methods of Playwright's page that `Watching` uses.

Source: https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
"""

import json
import os
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.support.waiting import PATIENCE_S

PROGRAM: Final = "/usr/bin/firefox-esr"
_PREFERENCES: Final = {
    "marionette.port": 0,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "privacy.resistFingerprinting": False,
    "toolkit.telemetry.enabled": False,
}
_CALL: Final = """
const value = eval(arguments[0]);
return typeof value === "function" ? value(...arguments[1]) : value;
"""


class Firefox:
    """One Firefox with one page, from `with` to its end.

    Args:
        profile: Empty folder for the profile of the browser.
    """

    without: str = ""
    """Name of a global that the test server deletes from the window of each page."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self._scripts: list[str] = []
        self._calls = 0
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in _PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")

    def __enter__(self) -> Self:
        """Start Firefox and open a session."""
        self._process = subprocess.Popen(
            [PROGRAM, "--headless", "--marionette", "--no-remote", "--profile", self._profile],
            env={**os.environ, "HOME": str(self._profile), "MOZ_CRASHREPORTER_DISABLE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._socket = socket.create_connection(("127.0.0.1", self._port()), PATIENCE_S)
            self._file = self._socket.makefile("rb")
            self._read()
            self._call("WebDriver:NewSession", {})
            self._call("WebDriver:SetTimeouts", {"script": int(PATIENCE_S * 1000)})
        except BaseException:
            self._process.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the session and end Firefox."""
        self._file.close()
        self._socket.close()
        self._process.terminate()
        self._process.wait(PATIENCE_S)

    def on(self, event: str, listener: object) -> None:
        """Ignore the listener: errors of the page show in what is missing."""

    def add_init_script(self, script: str) -> None:
        """Run a script in every page after it has loaded."""
        self._scripts.append(script)

    def goto(self, url: str) -> None:
        """Open a page."""
        mark = "&" if "?" in url else "?"
        self._call("WebDriver:Navigate", {"url": f"{url}{mark}without={self.without}"})
        for script in self._scripts:
            self._run(script, [])

    def evaluate(self, expression: str, argument: object = None) -> Any:
        """Return an expression's value; a function is called and a promise awaited."""
        return self._run(_CALL, [expression, [argument]])

    def wait_for_function(self, expression: str) -> None:
        """Wait until an expression holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.evaluate(expression):
            assert time.monotonic() < deadline, f"never: {expression}"

    def _run(self, script: str, values: list[object]) -> Any:
        result = self._call("WebDriver:ExecuteScript", {"script": script, "args": values})
        return result["value"]

    def _call(self, command: str, values: dict[str, object]) -> Any:
        self._calls += 1
        text = json.dumps([0, self._calls, command, values]).encode()
        self._socket.sendall(b"%d:%b" % (len(text), text))
        _, _, error, result = self._read()
        assert error is None, f"{command}: {error}"
        return result

    def _read(self) -> Any:
        """Read one message."""
        digits = b""
        while (byte := self._file.read(1)) != b":":
            assert byte, "Firefox has closed the connection"
            digits += byte
        return json.loads(self._file.read(int(digits)))

    def _port(self) -> int:
        """Wait until Firefox has written down the port on which it listens, and return it."""
        port_file = self._profile / "MarionetteActivePort"
        deadline = time.monotonic() + PATIENCE_S
        while not (port_file.is_file() and port_file.read_text(encoding="ascii").strip()):
            assert self._process.poll() is None, "Firefox ended at once"
            assert time.monotonic() < deadline, "Firefox does not start"
            time.sleep(0.05)
        return int(port_file.read_text(encoding="ascii"))
