"""Settings, which are read once from the environment (`PLAYHEAD_…`) or from secret files."""

import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.core.process_roles import ProcessRole

_SECRETS: Final = Path("/run/secrets")
"""Folder in which Docker, Podman and Kubernetes put secrets: one file for each variable."""
_MOST_CELLS: Final = 9_999
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")

RoleName = Literal["owner", "admin", "member", "viewer"]
ProjectRoles = dict[str, RoleName]
"""Roles by the slug or id of their project; `*` stands for every project."""


class Settings(BaseSettings):
    """Choices of an operator; `docs/settings.md` describes every field."""

    model_config = SettingsConfigDict(
        env_prefix="PLAYHEAD_",
        frozen=True,
        # An empty variable would otherwise override the secret file of the same name.
        env_ignore_empty=True,
        # pydantic-settings warns about a folder that does not exist.
        secrets_dir=_SECRETS if _SECRETS.is_dir() else None,
    )

    data_dir: Path = Path("data")
    """Journal, embedded Postgres and local objects live under this folder."""
    erasure_log: Path | None = None
    """File with the log of erasures; keep it out of backups. Default: erasures.log in data_dir."""
    roles: Annotated[tuple[ProcessRole, ...], NoDecode] = Field(
        default="door,pages,worker", validate_default=True
    )
    """The roles of this process: a comma-separated list of `door`, `pages` and `worker`."""
    workers: int = Field(default=1, ge=1, le=64)
    """Processes that serve the port together, under a parent that watches over them."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    public_url: str | None = None
    """Address that people and SDKs use, in links and DSNs. Default: http://localhost:PORT."""
    database_url: SecretStr | None = None
    """`postgresql://…`; without it, the embedded Postgres is started."""
    database_owner_url: SecretStr | None = None
    """The same database as the role that owns its tables; migrations use it. Default: one role."""
    database_connections: int = Field(default=20, ge=5, le=1_000)
    """The most connections to Postgres that this process opens."""
    postgres_bin: Path | None = None
    """Folder with the programs of the embedded Postgres. Default: the ones that Playhead brings."""
    storage: str = "local"
    """`local`, or `s3://bucket/prefix`."""
    s3_endpoint_url: str | None = None
    """Address of the object storage, if it is not Amazon's."""
    s3_region: str | None = None
    s3_access_key_id: str | None = None
    """Without it, boto3 uses its usual sources: `AWS_…`, its files, the machine's role."""
    s3_secret_access_key: SecretStr | None = None
    s3_addressing: Literal["auto", "path", "virtual"] = "auto"
    trusted_proxies: str = ""
    """Comma-separated addresses whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    drain_s: float = Field(default=0.0, ge=0, le=600)
    """Time for which a server that was told to stop tells load balancers so and goes on serving."""
    max_connections: int = Field(default=4_096, ge=16)
    """Connections that may be open; fewer if the process cannot open as many files."""
    max_connections_per_address: int = Field(default=500, ge=0)
    """Connections that one address, or one /64 of IPv6, may have open. 0: no limit."""
    journal_file_bytes: int = Field(default=64 * 1024 * 1024, ge=64 * 1024)
    """Size at which a journal file is closed and the next one begins."""
    journal_reserve_bytes: int = Field(default=512 * 1024 * 1024, ge=0)
    """Free disk space under which envelopes are no longer accepted (connections are closed)."""
    journal_keep_s: float = Field(default=60.0, ge=0, le=3_600)
    """With an external Postgres, the time for which journal files stay after they were stored."""
    spill_after_s: float = Field(default=1.0, ge=0.2, le=60)
    """With a bucket, the time after which an envelope that waits for digest is copied there."""
    digest_memory_bytes: int = Field(default=32 * 1024 * 1024, ge=1024 * 1024)
    """Fresh entries kept in memory until digested; more are read back from the journal."""
    key_envelopes_per_s: float = Field(default=50.0, ge=0)
    """Envelopes that a key may send each second; a segment counts as a tenth. 0: no limit."""
    key_envelopes_burst: int = Field(default=500, ge=1)
    """Envelopes that a key may send at once after a pause."""
    key_bytes_per_s: float = Field(default=20_000_000.0, ge=0)
    """Compressed bytes that a key may send each second. 0: no limit."""
    key_bytes_burst: int = Field(default=200_000_000, ge=1)
    cell: int | None = Field(default=None, ge=1, le=_MOST_CELLS)
    """Number of this installation among several, so that ids of projects are unique over all."""
    cells: Annotated[dict[int, str], NoDecode] = {}
    """Addresses of all cells by their numbers, for a page that lists them."""
    keep_debug_files_days: int = Field(default=90, ge=1, le=36_500)
    """Days that a debug file is kept after the last event that needed it."""
    keep_days_at_most: int | None = Field(default=None, ge=1, le=36_500)
    """The most days that any project keeps its data, whatever its rules say."""
    debug_file_cache_bytes: int = Field(default=2 * 1024**3, ge=16 * 1024**2)
    """Disk space for the objects of debug files that this machine keeps at hand."""
    system_symbols: str | None = None
    """Symbols of Apple's systems: a folder, or `s3://bucket/prefix`, in the "unified" layout."""
    pictures: bool = True
    """True to draw small pictures of replays; without them no video is decoded here."""
    clips: bool = True
    """True to render clips of replays."""
    clip_cpu_s: int = Field(default=180, ge=5, le=3_600)
    """Processor time that rendering one clip may take, in seconds."""
    clips_project_bytes: int = Field(default=10 * 1024**3, ge=0)
    """The bytes that the clips of a project may take before more are refused."""
    replay_quiet_s: float = Field(default=600.0, ge=0)
    """A replay that has got no segment for so many seconds closes: it is sealed then."""
    debug_file_bytes: int = Field(default=512 * 1024 * 1024, ge=1024 * 1024, le=2 * 1024**3)
    """The largest debug file that is taken; larger ones are refused before their upload."""
    debug_files_project_bytes: int = Field(default=20 * 1024**3, ge=0)
    """The bytes that the debug files of a project may take in storage."""
    keep_debug_originals: bool = False
    """True if native debug files are kept as they were uploaded, beside what is made of them."""
    heartbeat_s: float = Field(default=5.0, gt=0, le=60)
    """Pause after which each process tells the others how it is."""
    silent_after_s: float = Field(default=60.0, gt=0)
    """A process that nobody has heard of for so many seconds counts as dead."""
    storage_threads: int = Field(default=8, ge=1, le=64)
    oidc_client_id: str | None = None
    """Id of this server at the sign-in provider."""
    oidc_client_secret: SecretStr | None = None
    oidc_issuer: str | None = None
    """Address of an OpenID Connect provider, exactly as it calls itself; it switches this on."""
    oidc_label: str = Field(default="single sign-on", min_length=1, max_length=60)
    """Name of the provider for people: the button says "Sign in with …"."""
    oidc_scopes: str = "openid profile email"
    oidc_groups_claim: str = "groups"
    oidc_allowed_groups: Annotated[list[str], NoDecode] = []
    """Groups that may sign in, besides those below. With none at all, everybody may."""
    oidc_admin_groups: Annotated[list[str], NoDecode] = []
    """Groups whose people are admins of the server."""
    oidc_project_roles: Annotated[dict[str, ProjectRoles], NoDecode] = {}
    """Roles in projects that groups stand for, by group."""
    oidc_trust_emails: bool = False
    """True if addresses count as verified though the provider does not say so."""
    oidc_passwords: bool = True
    """True if passwords of this server go on beside the provider; local admins keep theirs."""
    mail_from: str | None = None
    """The address that mails of this server come from: `Playhead <playhead@example.com>`."""
    smtp_url: SecretStr | None = None
    """`smtp://user:password@host:587` or `smtps://…`; without it, nothing is mailed."""
    webhook_allowed_hosts: Annotated[list[str], NoDecode] = []
    """Hosts and networks to which webhooks may go though they are private, or by http."""
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("*", mode="before")
    @classmethod
    def _leave_out_empty(cls, value: Any, info: ValidationInfo) -> Any:
        """Read an empty secret file as none, as an empty variable is."""
        is_optional = cls.model_fields[str(info.field_name)].default is None
        return None if value == "" and is_optional else value

    @field_validator("roles", mode="before")
    @classmethod
    def _read_roles(cls, value: Any) -> Any:
        names = value.split(",") if isinstance(value, str) else value
        chosen = {str(name).strip() for name in names} - {""}
        known = [str(role) for role in ProcessRole]
        if not chosen or not chosen <= set(known):
            raise ValueError(f"must list some of {', '.join(known)}, separated by commas")
        return tuple(role for role in ProcessRole if role in chosen)

    @field_validator("oidc_issuer")
    @classmethod
    def _check_issuer(cls, issuer: str | None, info: ValidationInfo) -> str | None:
        if not issuer:
            return None
        parts = urlsplit(issuer)
        is_safe = parts.scheme == "https" or parts.hostname in _LOOPBACK
        if parts.scheme not in {"http", "https"} or not parts.hostname or not is_safe:
            raise ValueError("must be an address that begins with https://")
        if not info.data.get("oidc_client_id"):
            raise ValueError("needs PLAYHEAD_OIDC_CLIENT_ID too")
        return issuer

    @field_validator("mail_from")
    @classmethod
    def _check_mail_from(cls, mail_from: str | None) -> str | None:
        if not mail_from:
            return None
        if "@" not in mail_from or not mail_from.isprintable():
            raise ValueError("must be an address such as Playhead <playhead@example.com>")
        return mail_from

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            # The value may have a password in it, so it is not repeated.
            raise ValueError("must be smtp://host:port or smtps://host:port")
        if not info.data.get("mail_from"):
            raise ValueError("needs PLAYHEAD_MAIL_FROM too")
        return url

    @field_validator("webhook_allowed_hosts", mode="before")
    @classmethod
    def _read_allowed_hosts(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return [host for part in value.split(",") if (host := part.strip())]

    @field_validator("cells", mode="before")
    @classmethod
    def _read_cells(cls, value: Any) -> Any:
        return _read_json(value or "{}") if isinstance(value, str) else value

    @field_validator("cells")
    @classmethod
    def _check_cells(cls, cells: dict[int, str]) -> dict[int, str]:
        for number, address in cells.items():
            parts = urlsplit(address)
            if not 1 <= number <= _MOST_CELLS:
                raise ValueError(f"{number} is not a number from 1 to {_MOST_CELLS}")
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError(f"the address of cell {number} must begin with https://")
        return {number: cells[number].rstrip("/") for number in sorted(cells)}

    @field_validator("oidc_scopes")
    @classmethod
    def _check_scopes(cls, scopes: str) -> str:
        if "openid" not in scopes.split():
            raise ValueError("must name openid")
        return " ".join(scopes.split())

    @field_validator("oidc_allowed_groups", "oidc_admin_groups", mode="before")
    @classmethod
    def _read_groups(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            return _read_json(value)
        return [group for part in value.split(",") if (group := part.strip())]

    @field_validator("oidc_project_roles", mode="before")
    @classmethod
    def _read_project_roles(cls, value: Any) -> Any:
        return _read_json(value or "{}") if isinstance(value, str) else value

    @property
    def erasure_log_path(self) -> Path:
        """The file with the log of erasures."""
        return (self.erasure_log or self.data_dir / "erasures.log").resolve()

    @property
    def has_bucket(self) -> bool:
        """True if objects are in a bucket, which outlives this host."""
        return self.storage != "local"

    @property
    def base_url(self) -> str:
        """The public address without a slash at the end."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")


def _read_json(value: str) -> Any:
    """Read a setting that is written in JSON.

    Raises:
        ValueError: It is not; pydantic makes a message of it.
    """
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from error
