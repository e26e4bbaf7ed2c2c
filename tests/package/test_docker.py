"""The Dockerfile builds a program that runs, as far as this can be tested without Docker."""

import ipaddress
import json
import os
import pwd
import re
import signal
import subprocess
from typing import Any

import yaml  # type: ignore[import-untyped]  # the package carries no types

from app import __version__
from tests.package.test_lock import read_pins
from tests.support.servers.dockerfile import Build
from tests.support.servers.installed import (
    ROOT,
    RunningInstallation,
    wait_until_ready,
)
from tests.support.servers.ports import find_free_port
from tests.support.waiting import PATIENCE_S


def ordinary_user() -> dict[str, Any]:
    """Return arguments that start a process as an ordinary user, if this one is root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def test_the_image_runs_as_an_ordinary_user(image: Build):
    """The image runs as the user to whom the data folder belongs."""
    user, _, group = image.stage.settings["USER"].partition(":")
    useradd_lines = [line for line in image.recorded if line.startswith("useradd")]
    assert [f"--uid {user} " in line and f"--gid {group} " in line for line in useradd_lines] == [
        True
    ]
    assert f"chown {user}:{group} {image.place('/data')}" in image.recorded
    assert int(user) > 0


def test_the_image_holds_no_build_tools(image: Build):
    """The image holds the program, but no checkout, lock, Node.js or build backend."""
    assert not image.place("/build").exists()
    assert not list(image.root.rglob("node_modules"))
    assert not list(image.place("/opt").rglob("hatchling"))
    (shipped,) = image.place("/opt").rglob("app/shipped")
    assert (shipped / "static" / "js" / "replay" / "begin.inline.js").is_file()


def test_the_image_brings_the_licences_of_what_is_in_it(image: Build):
    """The texts of all packages are in one folder, with a list that names each."""
    folder = image.place("/opt/playhead/share/licences")
    listed = (folder / "README.txt").read_text(encoding="utf-8")
    for package in read_pins("app.lock"):
        assert re.search(rf"^{re.escape(package)}-\d", listed.replace("_", "-"), re.MULTILINE), (
            package
        )
    (own,) = folder.glob("playhead-*")
    assert {"LICENSE", "THIRD_PARTY.md"} <= {path.name for path in own.iterdir()}
    assert len(list(folder.rglob("*LICENSE*"))) > 40


def test_the_image_says_what_it_is():
    """Its labels have the release, and the licences of what the page of licences names."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"ARG VERSION={__version__}\n" in text
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', text))
    assert {"title", "description", "licenses", "version", "revision", "created"} <= set(labels)
    assert {"GPL-3.0-or-later", "MPL-2.0"} <= set(labels["licenses"].split(" AND "))


def test_the_image_serves_as_the_dockerfile_says(image: Build):
    """The image's command listens, its health check succeeds, and its stop signal ends it."""
    port, data = find_free_port(), image.place("/data")
    variables = {**image.environment(), "PLAYHEAD_PORT": str(port)}
    user = ordinary_user()
    if user:
        os.chown(data, user["user"], user["group"])
    output = image.root.parent / "output.txt"
    command = json.loads(image.stage.settings["CMD"])
    with output.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=data, env=variables, stdout=file, stderr=file, **user
        )
    server = RunningInstallation(f"http://localhost:{port}", process, output)
    try:
        wait_until_ready(server)
        assert "run `playhead demo`" in server.read_output()
        check = json.loads(image.stage.settings["HEALTHCHECK"].partition(" CMD ")[2])
        subprocess.run(check, env=variables, cwd=data, check=True, **user)
        doctor = subprocess.run(
            ["playhead", "doctor"], env=variables, cwd=data,
            capture_output=True, text=True, check=False, **user,
        )  # fmt: skip
        assert doctor.returncode == 0, doctor.stdout + doctor.stderr
        assert re.search(r"decoded in a\s+sandbox", doctor.stdout)
        process.send_signal(signal.Signals[image.stage.settings["STOPSIGNAL"]])
        assert process.wait(PATIENCE_S) == 0, server.read_output()
    finally:
        process.kill()
        process.wait()
    assert not list(data.rglob("postmaster.pid"))


def test_a_service_has_no_more_rights_than_it_needs():
    """Every service of the compose file is restricted as far as possible."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert set(services) == {"playhead", "proxy"}
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert {"mem_limit", "pids_limit", "logging", "tmpfs"} <= set(service)
    assert "cap_add" not in services["playhead"]
    assert set(services["playhead"]["networks"]) == {"inner"}


def test_only_the_proxy_can_have_the_trusted_address():
    """Every service on its network has a fixed address, so Docker gives it to no other."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services = compose["services"]
    trusted = services["playhead"]["environment"]["PLAYHEAD_TRUSTED_PROXIES"]
    (pool,) = compose["networks"]["inner"]["ipam"]["config"]
    network = ipaddress.ip_network(pool["subnet"])
    addresses = {
        name: service["networks"]["inner"]["ipv4_address"]
        for name, service in services.items()
        if "inner" in service["networks"]
    }
    assert [name for name, address in addresses.items() if address == trusted] == ["proxy"]
    assert len(set(addresses.values())) == len(addresses)
    # Docker uses the first address for the gateway.
    usable = list(network.hosts())[1:]
    assert all(ipaddress.ip_address(address) in usable for address in addresses.values())
