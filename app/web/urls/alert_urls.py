"""Addresses of alerts: those of a project, and those of the server where there is no project."""

from app.core.ids import ProjectId
from app.web.urls.project_urls import project
from app.web.urls.query import with_query
from app.web.urls.server_urls import SERVER


def alerts(project_id: ProjectId | None) -> str:
    """Return the address of the alerts of a project or of the server."""
    return f"{SERVER if project_id is None else project(project_id)}/alerts"


def log(project_id: ProjectId | None, *, before: int | None = None) -> str:
    """Return the address of the log of messages, from an id downwards."""
    return with_query(f"{alerts(project_id)}/log", {"before": str(before or "")})


def begin(project_id: ProjectId | None) -> str:
    """Return the address at which POST adds a target with the usual rules, in one step."""
    return f"{alerts(project_id)}/begin"


def targets(project_id: ProjectId | None) -> str:
    """Return the address at which POST `kind`, `name` and `address` adds a target."""
    return f"{alerts(project_id)}/targets"


def target(project_id: ProjectId | None, target_id: int) -> str:
    """Return the address of a target; POST changes it."""
    return f"{targets(project_id)}/{target_id}"


def test_target(project_id: ProjectId | None, target_id: int) -> str:
    """Return the address at which POST sends a test."""
    return f"{target(project_id, target_id)}/test"


def replace_secret(project_id: ProjectId | None, target_id: int) -> str:
    """Return the address at which POST gives a webhook another secret."""
    return f"{target(project_id, target_id)}/secret"


def delete_target(project_id: ProjectId | None, target_id: int) -> str:
    """Return the address at which POST deletes a target."""
    return f"{target(project_id, target_id)}/delete"


def pictures(project_id: ProjectId | None) -> str:
    """Return the address at which POST `on` (yes, no) lets messages show pictures or not."""
    return f"{alerts(project_id)}/pictures"


def new_rule(project_id: ProjectId | None, *, kind: str = "") -> str:
    """Return the address of the form for a new rule; POST adds it."""
    return with_query(f"{alerts(project_id)}/rules/new", {"kind": kind})


def rule(project_id: ProjectId | None, rule_id: int) -> str:
    """Return the address of a rule; POST changes it."""
    return f"{alerts(project_id)}/rules/{rule_id}"


def switch_rule(project_id: ProjectId | None, rule_id: int) -> str:
    """Return the address at which POST `on` (yes, no) switches a rule on or off."""
    return f"{rule(project_id, rule_id)}/switch"


def delete_rule(project_id: ProjectId | None, rule_id: int) -> str:
    """Return the address at which POST deletes a rule."""
    return f"{rule(project_id, rule_id)}/delete"
