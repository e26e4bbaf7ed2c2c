"""Real proxies from the distribution, with the recipes of `deploy/`, in front of a server.

Only what a test machine cannot have is changed in a recipe: name, port and certificate.
"""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from tests.support.servers.ports import find_free_port
from tests.support.waiting import until

_DEPLOY: Final = Path(__file__).parents[3] / "deploy"
_PATHS: Final = f"{os.environ.get('PATH', '')}:/usr/sbin"
_Configure = Callable[[Sequence[str], Path, int], tuple[list[str], dict[str, str]]]
"""Writes the files of a proxy; returns the arguments of its program and its environment."""
_NGINX: Final = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@asynccontextmanager
async def in_front_of(
    *upstreams: str, folder: Path, kind: str, is_impatient: bool = False
) -> AsyncIterator[str]:
    """Run a proxy and give its address.

    Args:
        upstreams: `host:port` of each server; they need not run.
        folder: Folder in which the proxy writes its files.
        kind: `nginx` or `caddy`.
        is_impatient: Whether a door that hangs is given up after 1 s instead of the recipe's 10 s.
    """
    if is_impatient:
        kind = f"{kind}, impatient"
    port = find_free_port()
    with _running(kind, upstreams, folder, port) as proxy:
        await until(lambda: _listens(port) or proxy.poll() is not None)
        assert proxy.poll() is None, f"{kind} has ended; its output is in {folder}"
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def before_cells(first: str, second: str, *, folder: Path, kind: str) -> AsyncIterator[str]:
    """Run the proxy that makes one name of two cells, and give its address.

    Args:
        first: `host:port` of the cell whose projects have ids from 1,000,001 on.
        second: The same of the next cell.
        folder: Folder in which the proxy writes its files.
        kind: `nginx` or `caddy`.
    """
    port = find_free_port()
    with _running(f"{kind} of cells", (first, second), folder, port) as proxy:
        await until(lambda: _listens(port) or proxy.poll() is not None)
        assert proxy.poll() is None, f"{kind} has ended; its output is in {folder}"
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(
    kind: str, upstreams: Sequence[str], folder: Path, port: int
) -> Iterator["subprocess.Popen[bytes]"]:
    folder.mkdir(parents=True, exist_ok=True)
    configurators: dict[str, _Configure] = {
        "nginx": _nginx,
        "caddy": _caddy,
        "nginx, impatient": partial(_nginx, is_impatient=True),
        "caddy, impatient": partial(_caddy, is_impatient=True),
        "nginx of cells": _nginx_of_cells,
        "caddy of cells": _caddy_of_cells,
    }
    command, environment = configurators[kind](upstreams, folder, port)
    kind = re.split("[ ,]", kind)[0]
    command.insert(0, _program(kind))
    with (
        (folder / "output").open("wb") as output,
        subprocess.Popen(
            command, env=os.environ | environment, stdout=output, stderr=output
        ) as proxy,
    ):
        try:
            yield proxy
        finally:
            proxy.terminate()


def _program(name: str) -> str:
    path = shutil.which(name, path=_PATHS)
    assert path, f"{name} is not installed: .ci/system does it"
    return path


def _nginx(
    upstreams: Sequence[str], folder: Path, port: int, *, is_impatient: bool = False
) -> tuple[list[str], dict[str, str]]:
    line = "server 127.0.0.1:8000 max_fails=0;"
    lines = "\n    ".join(line.replace("127.0.0.1:8000", upstream) for upstream in upstreams)
    patience = "proxy_read_timeout 10s;"
    impatience = "proxy_read_timeout 1s;" if is_impatient else patience
    return _write_nginx("nginx.conf", folder, port, (line, lines, 2), (patience, impatience, 1))


def _nginx_of_cells(
    upstreams: Sequence[str], folder: Path, port: int
) -> tuple[list[str], dict[str, str]]:
    first, second = upstreams
    return _write_nginx(
        "cells/nginx.conf",
        folder,
        port,
        ("server c1.replays.example.com:443 ", f"server {first} ", 1),
        ("server c2.replays.example.com:443 ", f"server {second} ", 1),
        ("proxy_pass https://$cell;", "proxy_pass http://$cell;", 1),
    )


def _write_nginx(
    name: str, folder: Path, port: int, *changes: tuple[str, str, int]
) -> tuple[list[str], dict[str, str]]:
    """Write a recipe with changes, each of which must fit a number of times."""
    recipe = (_DEPLOY / name).read_text("utf-8")
    for old, new, count in (
        *changes,
        ("listen 443 ssl;", f"listen 127.0.0.1:{port};", 1),
        ("ssl_certificate     /etc/ssl/replays.example.com.pem;", "", 1),
        ("ssl_certificate_key /etc/ssl/replays.example.com.key;", "", 1),
    ):
        assert recipe.count(old) == count, old
        recipe = recipe.replace(old, new)
    (folder / "site.conf").write_text(recipe)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, user=user))
    return ["-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"], {}


def _caddy(
    upstreams: Sequence[str], folder: Path, port: int, *, is_impatient: bool = False
) -> tuple[list[str], dict[str, str]]:
    recipe = _DEPLOY / "Caddyfile"
    if is_impatient:
        text, patience = recipe.read_text("utf-8"), "response_header_timeout 10s"
        assert text.count(patience) == 1
        recipe = folder / "Caddyfile"
        recipe.write_text(text.replace(patience, "response_header_timeout 1s"))
    return _configure_caddy(recipe, folder, port, UPSTREAM=" ".join(upstreams))


def _caddy_of_cells(
    upstreams: Sequence[str], folder: Path, port: int
) -> tuple[list[str], dict[str, str]]:
    first, second = (f"http://{upstream}" for upstream in upstreams)
    return _configure_caddy(_DEPLOY / "cells/Caddyfile", folder, port, CELL1=first, CELL2=second)


def _configure_caddy(
    recipe: Path, folder: Path, port: int, **environment: str
) -> tuple[list[str], dict[str, str]]:
    return ["run", "--config", str(recipe), "--adapter", "caddyfile"], {
        "DOMAIN": f"http://127.0.0.1:{port}",
        "CADDY_ADMIN": f"unix/{folder}/admin.sock",
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        **environment,
    }


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
