"""Settings, which are read once from the environment (`PLAYHEAD_…`) or from secret files."""

from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_SECRETS: Final = Path("/run/secrets")
"""Folder in which Docker, Podman and Kubernetes put secrets: one file for each variable."""


class Settings(BaseSettings):
    """Choices of an operator; `docs/settings.md` describes every field."""

    model_config = SettingsConfigDict(
        env_prefix="PLAYHEAD_",
        frozen=True,
        # pydantic-settings warns about a folder that does not exist.
        secrets_dir=_SECRETS if _SECRETS.is_dir() else None,
    )

    data_dir: Path = Path("data")
    """Journal, embedded Postgres and local objects live under this folder."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    public_url: str | None = None
    """Address that people and SDKs use, in links and DSNs. Default: http://localhost:PORT."""
    database_url: SecretStr | None = None
    """`postgresql://…`; without it, the embedded Postgres is started."""
    database_owner_url: SecretStr | None = None
    """The same database as the role that owns its tables; migrations use it. Default: one role."""
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
    max_connections: int = Field(default=4_096, ge=16)
    """Connections that may be open; fewer if the process cannot open as many files."""
    max_connections_per_address: int = Field(default=500, ge=0)
    """Connections that one address, or one /64 of IPv6, may have open. 0: no limit."""
    journal_file_bytes: int = Field(default=64 * 1024 * 1024, ge=64 * 1024)
    """Size at which a journal file is closed and the next one begins."""
    journal_reserve_bytes: int = Field(default=512 * 1024 * 1024, ge=0)
    """Free disk space under which envelopes are no longer accepted (connections are closed)."""
    digest_memory_bytes: int = Field(default=32 * 1024 * 1024, ge=1024 * 1024)
    """Fresh entries kept in memory until digested; more are read back from the journal."""
    key_envelopes_per_s: float = Field(default=50.0, ge=0)
    """Envelopes that a key may send each second; a segment counts as a tenth. 0: no limit."""
    key_envelopes_burst: int = Field(default=500, ge=1)
    """Envelopes that a key may send at once after a pause."""
    key_bytes_per_s: float = Field(default=20_000_000.0, ge=0)
    """Compressed bytes that a key may send each second. 0: no limit."""
    key_bytes_burst: int = Field(default=200_000_000, ge=1)
    pictures: bool = True
    """Whether to draw small pictures of replays; without them no video is decoded here."""
    storage_threads: int = Field(default=8, ge=1, le=64)
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def base_url(self) -> str:
        """The public address without a slash at the end."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")
