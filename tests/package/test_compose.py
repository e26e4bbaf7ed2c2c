"""The compose files follow their schema, give no rights away, and fit the recipes they mount."""

import ipaddress
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]  # the package carries no types

from app.core.settings import Settings
from app.processes.model import ROLES
from tests.support.servers.installed import ROOT

ONE_HOST: Final = ROOT / "docker-compose.yml"
CLUSTER: Final = ROOT / "deploy" / "cluster" / "compose.yml"
OURS: Final = ("door-a", "door-b", "pages", "worker", "backup")
_REFERENCE: Final = re.compile(r"\$\{(\w+)(?::?[-?][^}]*)?\}")


def read_compose(path: Path) -> dict[str, Any]:
    """Read a compose file, with its anchors resolved."""
    compose: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return compose


def read_services(path: Path) -> dict[str, dict[str, Any]]:
    """Return the services of a compose file."""
    services: dict[str, dict[str, Any]] = read_compose(path)["services"]
    return services


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Make the settings that a process of the cluster gets, with made-up passwords."""
    prefix = "PLAYHEAD_"
    assert all(name.startswith(prefix) for name in environment)
    values = {
        name.removeprefix(prefix).lower(): _REFERENCE.sub("made-up", value)
        for name, value in environment.items()
    }
    unknown = set(values) - set(Settings.model_fields)
    assert not unknown
    return Settings(**values)  # type: ignore[arg-type]  # texts, as in an environment


@pytest.mark.parametrize("path", [ONE_HOST, CLUSTER], ids=["one-host", "cluster"])
def test_a_compose_file_follows_the_specification(path: Path):
    """The file has no unknown key and no value of a wrong type."""
    checker = Path(sys.executable).with_name("check-jsonschema")
    checked = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("path", [ONE_HOST, CLUSTER], ids=["one-host", "cluster"])
def test_whatever_a_service_mounts_or_builds_is_there(path: Path):
    """Files are beside the compose file, and volumes and networks are declared."""
    compose = read_compose(path)
    for service in compose["services"].values():
        for mount in service.get("volumes", ()):
            source = mount.rpartition(":")[0] if mount.endswith(":ro") else mount
            source = source.rpartition(":")[0]
            if source.startswith("."):
                assert (path.parent / source).is_file(), mount
            elif not source.startswith("$"):
                assert source in compose["volumes"], mount
        build = service.get("build")
        if isinstance(build, dict):
            assert (path.parent / build["context"] / build["dockerfile"]).is_file()
        elif build is not None:
            assert (path.parent / build / "Dockerfile").is_file()
        assert set(service["networks"]) <= set(compose["networks"])


@pytest.mark.parametrize("path", [ONE_HOST, CLUSTER], ids=["one-host", "cluster"])
def test_every_address_is_given_once(path: Path):
    """Fixed addresses are within their network, and no two services share one."""
    compose = read_compose(path)
    (pool,) = compose["networks"]["inner"]["ipam"]["config"]
    addresses = [
        service["networks"]["inner"]["ipv4_address"]
        for service in compose["services"].values()
        if isinstance(service["networks"], dict) and "inner" in service["networks"]
    ]
    # Docker uses the first address for the gateway.
    usable = list(ipaddress.ip_network(pool["subnet"]).hosts())[1:]
    assert all(ipaddress.ip_address(address) in usable for address in addresses)
    assert len(set(addresses)) == len(addresses)


def test_a_service_of_the_cluster_has_no_more_rights_than_it_needs():
    """Everything but Postgres, which changes its user, is restricted as far as possible."""
    services = read_services(CLUSTER)
    for name, service in services.items():
        assert "mem_limit" in service, name
        assert "privileged" not in service
        if name not in {"postgres", "standby"}:
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
            assert "pids_limit" in service, name
        assert "cap_add" not in service
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert [name for name, each in services.items() if "outer" in each["networks"]] == ["proxy"]


def test_the_cluster_serves_every_role():
    """All settings are valid, all roles are served, and only the proxy is trusted."""
    services = read_services(CLUSTER)
    roles: list[str] = []
    for name in OURS:
        settings = read_settings(services[name]["environment"])
        assert settings.trusted_proxies == services["proxy"]["networks"]["inner"]["ipv4_address"]
        assert settings.storage == "s3://playhead"
        if name != "backup":
            roles += settings.roles
            grace_s = int(services[name]["stop_grace_period"].removesuffix("s"))
            assert grace_s >= settings.drain_s + 20
    assert set(roles) == set(ROLES)


def test_every_variable_of_the_cluster_is_in_the_example():
    """The example has all that must be filled in, and nothing else."""
    example = (CLUSTER.parent / "example.env").read_text(encoding="utf-8")
    listed = set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    used = set(re.findall(r"\$\{(\w+):\?\}", CLUSTER.read_text(encoding="utf-8")))
    assert listed == used


def test_the_proxy_of_the_cluster_follows_the_recipe():
    """The configuration of nginx is the tested recipe with the addresses of the processes."""
    services = read_services(CLUSTER)
    address = {name: services[name]["networks"]["inner"]["ipv4_address"] for name in OURS[:-1]}
    wanted = fill_recipe(
        pages=[address["pages"]], doors=[address["door-a"], address["door-b"]], port=8443
    )
    assert (CLUSTER.parent / "nginx.conf").read_text(encoding="utf-8") == wanted


def fill_recipe(*, pages: list[str], doors: list[str], port: int) -> str:
    """Return the recipe for nginx with other processes and another port."""
    recipe = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    one = "    server 127.0.0.1:8000 max_fails=0;\n"
    before, between, after = recipe.split(one)
    listed = [
        "".join(f"    server {host}:8000 max_fails=0;\n" for host in hosts)
        for hosts in (pages, doors)
    ]
    whole = f"{before}{listed[0]}{between}{listed[1]}{after}"
    return whole.replace("listen 443 ssl", f"listen {port} ssl")


@pytest.mark.parametrize("script", sorted(CLUSTER.parent.glob("*.sh")), ids=lambda path: path.name)
def test_a_script_of_the_cluster_can_be_read(script: Path):
    """The shell finds no fault with the syntax, and the script stops at its first error."""
    shell = "bash" if "bash" in script.read_text(encoding="utf-8").splitlines()[0] else "sh"
    result = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "\nset -eu" in script.read_text(encoding="utf-8")
