"""The manifests for Kubernetes follow its schemas, and the pods have no rights."""

import json
from pathlib import Path
from typing import Any, Final

import kubernetes_validate  # type: ignore[import-untyped]  # the package carries no types
import pytest
import yaml  # type: ignore[import-untyped]  # the package carries no types

from app.core.settings import Settings
from app.processes.model import ROLES
from tests.package.test_compose import fill_recipe
from tests.support.servers.dockerfile import read_settings as read_image_settings
from tests.support.servers.installed import ROOT

FOLDER: Final = ROOT / "deploy" / "kubernetes"
OLDEST, NEWEST = "1.32", "1.37"
_PROGRAM: Final = "playhead"


def read_kustomization() -> dict[str, Any]:
    """Read the list of all manifests."""
    kustomization: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    return kustomization


def read_objects() -> list[dict[str, Any]]:
    """Read all objects of all manifests."""
    return [
        each
        for name in read_kustomization()["resources"]
        for each in yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8"))
    ]


def read_pods() -> dict[str, dict[str, Any]]:
    """Return the templates of all pods, by the name of what makes them."""
    pods = {}
    for each in read_objects():
        spec = each.get("spec", {})
        if each["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            pods[each["metadata"]["name"]] = spec["template"]
    return pods


def list_ours() -> dict[str, dict[str, Any]]:
    """Return the pods that run Playhead."""
    return {
        name: pod
        for name, pod in read_pods().items()
        if pod["spec"]["containers"][0]["image"] == _PROGRAM
    }


def read_pod_settings(pod: dict[str, Any]) -> Settings:
    """Make the settings of a pod from its config map, its secret, and its own variables."""
    objects = {(each["kind"], each["metadata"]["name"]): each for each in read_objects()}
    (container,) = pod["spec"]["containers"]
    values: dict[str, str] = {}
    for source in container["envFrom"]:
        for kind, key, field in (
            ("ConfigMap", "configMapRef", "data"),
            ("Secret", "secretRef", "stringData"),
        ):
            if key in source:
                values |= objects[kind, source[key]["name"]][field]
    values |= {each["name"]: each["value"] for each in container.get("env", ())}
    fields = {name.removeprefix("PLAYHEAD_").lower(): value for name, value in values.items()}
    assert set(fields) <= set(Settings.model_fields)
    return Settings(**fields)  # type: ignore[arg-type]  # texts, as in an environment


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_object_follows_its_schema(version: str):
    """Kubernetes knows every key of every object, and each value has the right type."""
    for each in read_objects():
        kubernetes_validate.validate(each, version, strict=True)


def test_every_manifest_is_listed():
    """The kustomization names all manifests of the folder, and no other."""
    names = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(read_kustomization()["resources"]) == names


def test_every_role_is_served_and_asked_for_its_health():
    """Doors, pages and workers have valid settings, and probes that fit their role."""
    roles: dict[str, str] = {}
    for name, pod in list_ours().items():
        settings = read_pod_settings(pod)
        (container,) = pod["spec"]["containers"]
        if name == "playhead-backup":
            continue
        (role,) = settings.roles
        roles[role] = name
        assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == role
        assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
        ready = {"door": "/health/door", "pages": "/health/pages", "worker": "/health/live"}
        probe = container["readinessProbe"]
        assert probe["httpGet"]["path"] == ready[role]
        # A pod must leave its Service before it closes its port, and then has time to digest.
        assert settings.drain_s > probe["periodSeconds"] * probe["failureThreshold"]
        assert pod["spec"]["terminationGracePeriodSeconds"] >= settings.drain_s + 30
    assert set(roles) == set(ROLES)


def test_a_pod_has_no_rights():
    """Every pod passes the strictest of the pod security standards, with a read-only root."""
    for name, pod in read_pods().items():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        assert not [each for each in spec["volumes"] if "hostPath" in each]
        mounts = [each for container in spec["containers"] for each in container["volumeMounts"]]
        assert "/tmp" in {mount["mountPath"] for mount in mounts}


def test_pods_run_as_the_user_of_the_image():
    """User, port and command are those of the Dockerfile, and data is on a volume."""
    image = read_image_settings(ROOT / "Dockerfile")
    uid, _, gid = image["USER"].partition(":")
    for name, pod in list_ours().items():
        context = pod["spec"]["securityContext"]
        assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (
            int(uid), int(gid), int(gid),
        )  # fmt: skip
        (container,) = pod["spec"]["containers"]
        settings = read_pod_settings(pod)
        assert settings.data_dir.parent == Path("/data")
        if name != "playhead-backup":
            assert container["args"] == json.loads(image["CMD"])
            assert container["ports"][0]["containerPort"] == settings.port


def test_what_refers_to_something_finds_it():
    """Services and budgets select pods, claims exist, and the journal is on a claim."""
    objects = read_objects()
    labels = [pod["metadata"]["labels"] for pod in read_pods().values()]
    for each in objects:
        if each["kind"] in {"Service", "PodDisruptionBudget"}:
            selector = each["spec"]["selector"]
            selector = selector.get("matchLabels", selector)
            assert [found for found in labels if selector.items() <= found.items()], each
    claims = {
        each["metadata"]["name"] for each in objects if each["kind"] == "PersistentVolumeClaim"
    }
    used = {
        volume["persistentVolumeClaim"]["claimName"]
        for pod in read_pods().values()
        for volume in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert used == claims
    (doors,) = [each for each in objects if each["kind"] == "StatefulSet"]
    (template,) = doors["spec"]["volumeClaimTemplates"]
    (mount,) = [
        each
        for each in doors["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
        if each["name"] == template["metadata"]["name"]
    ]
    assert mount["mountPath"] == "/data"
    assert doors["spec"]["serviceName"] in {each["metadata"]["name"] for each in objects}


def test_the_proxy_follows_the_recipe():
    """The configuration of nginx is the tested recipe with the Services as processes."""
    wanted = fill_recipe(pages=["playhead-pages"] * 2, doors=["playhead-doors"] * 2, port=8443)
    wanted = wanted.replace("/etc/ssl/replays.example.com.pem", "/etc/ssl/playhead/tls.crt")
    wanted = wanted.replace("/etc/ssl/replays.example.com.key", "/etc/ssl/playhead/tls.key")
    assert (FOLDER / "nginx.conf").read_text(encoding="utf-8") == wanted
