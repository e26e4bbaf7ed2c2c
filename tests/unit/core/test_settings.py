"""Settings come from the environment."""

from datetime import UTC
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.core import clock
from app.core.process_roles import ProcessRole
from app.core.settings import Settings


def test_defaults_need_nothing():
    """If no variable is set, the server listens on localhost."""
    settings = Settings()
    assert settings.base_url == "http://localhost:8000"
    assert settings.database_url is None


def test_the_environment_decides(monkeypatch):
    """A variable with our prefix overrides the default; secrets are not shown."""
    monkeypatch.setenv("PLAYHEAD_PUBLIC_URL", "https://replay.example.net/")
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", "postgresql://u:hunter2@db/x")
    settings = Settings()
    assert settings.base_url == "https://replay.example.net"
    assert "hunter2" not in repr(settings)


def test_an_empty_variable_is_as_one_that_is_not_set(monkeypatch):
    """Files of variables may name all settings; an empty address is none."""
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "S3_ENDPOINT_URL", "POSTGRES_BIN", "CELL"):
        monkeypatch.setenv(f"PLAYHEAD_{name}", "")
    settings = Settings()
    assert settings.database_url is None
    assert settings.database_owner_url is None
    assert settings.s3_endpoint_url is None
    assert settings.postgres_bin is None
    assert settings.cell is None


def test_impossible_values_are_refused(monkeypatch):
    """A port beyond 65535 is refused."""
    monkeypatch.setenv("PLAYHEAD_PORT", "65536")
    with pytest.raises(ValidationError):
        Settings()


def test_the_clock_is_aware_and_goes_on():
    """Times have their zone; milliseconds and datetimes agree."""
    assert clock.now().tzinfo is UTC
    assert abs(clock.now_ms() - clock.now().timestamp() * 1000) < 60_000
    assert clock.monotonic_s() <= clock.monotonic_s()


def test_a_setting_may_be_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Secrets of containers are files; variables that are not empty go before them."""
    (tmp_path / "playhead_database_url").write_text("postgresql://from-a-file/\n")
    (tmp_path / "PLAYHEAD_PORT").write_text("9000")
    (tmp_path / "unrelated").write_text("x")
    monkeypatch.setitem(Settings.model_config, "secrets_dir", tmp_path)
    settings = Settings()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://from-a-file/"
    assert settings.port == 9000
    monkeypatch.setenv("PLAYHEAD_PORT", "9001")
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", "")
    assert Settings().port == 9001
    assert Settings().database_url == settings.database_url
    (tmp_path / "playhead_database_url").write_text("")
    assert Settings().database_url is None


def test_secrets_are_read_from_the_folder_of_containers():
    """A folder that does not exist is skipped without a warning."""
    folder = Path("/run/secrets")
    assert Settings.model_config.get("secrets_dir") == (folder if folder.is_dir() else None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ISSUER", "http://sso.example.com"),
        ("ISSUER", "sso.example.com"),
        ("ISSUER", "javascript:alert(1)"),
        ("SCOPES", "email profile"),
        ("PROJECT_ROLES", "mobile=shop"),
        ("PROJECT_ROLES", '{"mobile": {"shop": "king"}}'),
        ("PROJECT_ROLES", '{"mobile": "member"}'),
        ("ALLOWED_GROUPS", "[1"),
    ],
)
def test_a_provider_that_cannot_be_used_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
):
    """The server does not start with a provider over plain http, or with unknown roles."""
    monkeypatch.setenv("PLAYHEAD_OIDC_CLIENT_ID", "playhead")
    monkeypatch.setenv(f"PLAYHEAD_OIDC_{name}", value)
    with pytest.raises(ValidationError, match=f"oidc_{name.lower()}"):
        Settings()


def test_groups_are_lists_or_json(monkeypatch: pytest.MonkeyPatch):
    """A name with a comma needs JSON; roles are JSON always."""
    monkeypatch.setenv("PLAYHEAD_OIDC_CLIENT_ID", "playhead")
    monkeypatch.setenv("PLAYHEAD_OIDC_ISSUER", "http://localhost:8080/realms/staff")
    monkeypatch.setenv("PLAYHEAD_OIDC_ALLOWED_GROUPS", " staff, qa ,")
    monkeypatch.setenv("PLAYHEAD_OIDC_ADMIN_GROUPS", '["cn=ops,dc=example"]')
    monkeypatch.setenv("PLAYHEAD_OIDC_PROJECT_ROLES", '{"qa": {"*": "viewer"}}')
    monkeypatch.setenv("PLAYHEAD_OIDC_CLIENT_SECRET", "hunter2")
    settings = Settings()
    assert settings.oidc_allowed_groups == ["staff", "qa"]
    assert settings.oidc_admin_groups == ["cn=ops,dc=example"]
    assert settings.oidc_project_roles == {"qa": {"*": "viewer"}}
    assert "hunter2" not in repr(settings)
    monkeypatch.delenv("PLAYHEAD_OIDC_CLIENT_ID")
    with pytest.raises(ValidationError, match="needs PLAYHEAD_OIDC_CLIENT_ID"):
        Settings()


def test_roles_are_a_list_in_any_order(monkeypatch: pytest.MonkeyPatch):
    """Without the setting a process does everything; names may be repeated and spaced."""
    assert Settings().roles == tuple(ProcessRole)
    monkeypatch.setenv("PLAYHEAD_ROLES", " worker, door,door")
    assert Settings().roles == (ProcessRole.DOOR, ProcessRole.WORKER)


@pytest.mark.parametrize("roles", [" ", ",", "doors", "door,page"])
def test_unknown_roles_are_refused(monkeypatch: pytest.MonkeyPatch, roles: str):
    """A misspelt role would leave work undone without a word."""
    monkeypatch.setenv("PLAYHEAD_ROLES", roles)
    with pytest.raises(ValueError, match="must list some of door, pages, worker"):
        Settings()
