"""What the process needs to know before it can read rules.

Every setting is a flag of ``pointsman run``, a variable ``POINTSMAN_<NAME>`` and a key of
``pointsman.toml`` in the working directory, in that order of precedence.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

__all__ = ["Settings"]

_NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)


def _seconds(value: Any) -> Any:
    """Take a bare number for seconds, also as text: variables have no other form."""
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


Span = Annotated[timedelta, BeforeValidator(_seconds)]
"""A time span: seconds, or ISO 8601 such as ``PT20S`` and ``P30D``."""


class Settings(BaseSettings):
    """Process settings; the routing rules themselves live in ``config_dir``."""

    model_config = SettingsConfigDict(
        env_prefix="POINTSMAN_", extra="forbid", frozen=True, toml_file="pointsman.toml"
    )

    config_dir: Path = Field(default=Path("config"), description="Folder of the organizations.")
    config_role: Literal["publisher", "follower"] = Field(
        default="publisher",
        description="publisher: this node's files are the source; follower: serve what Redis has.",
    )
    plugins_dir: Path | None = Field(
        default=None,
        description="Folder of your own plugins, one Python file each; read again when it changes.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port; 0 picks any free one.")
    port_file: Path | None = Field(
        default=None, description="Written with the port once the daemon is ready."
    )
    ready_fd: int | None = Field(
        default=None, ge=3, description="Open descriptor that gets one line once ready."
    )
    workers: int = Field(default=1, ge=1, le=64, description="Processes that serve.")
    data_dir: Path = Field(
        default=Path(".pointsman"), description="Embedded server's data and what was last loaded."
    )
    redis_url: str | None = Field(
        default=None, description="redis://, rediss:// or unix:// of a server; none: embedded."
    )
    fsync: Literal["everysec", "always"] = Field(
        default="everysec", description="How the embedded server flushes its append-only file."
    )
    durability: Literal["local", "replicated"] = Field(
        default="local", description="replicated: answer only after one replica has the write."
    )
    admin_bind: str | None = Field(
        default=None, description="HOST:PORT of a separate listener for /-/ and /metrics."
    )
    admin_token: SecretStr | None = Field(
        default=None, description="Bearer token for /-/ and /metrics from elsewhere than loopback."
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="Networks whose Forwarded and X-Forwarded-* headers are believed."
    )
    rate_limit: int | None = Field(
        default=None,
        ge=1,
        le=60_000,
        description="Calls of the API a minute that each key may make; none: any number.",
    )
    max_body: int = Field(default=1024 * 1024, ge=1024, description="Largest request body, bytes.")
    drain_timeout: Span = Field(
        default=timedelta(seconds=20), description="How long SIGTERM waits for requests in flight."
    )
    poll_config: bool = Field(
        default=False, description="Watch files by polling, where the system gives no events."
    )
    redis_connections: int = Field(default=16, ge=2, le=256, description="Size of the pool.")
    lead_retention: Span = Field(
        default=timedelta(days=365), description="How long a record is kept after its last change."
    )
    event_retention: Span = Field(
        default=timedelta(days=90), description="How long a record's timeline and runs are kept."
    )
    pool_retention: Span = Field(
        default=timedelta(days=30), description="How long the state of a vanished pool is kept."
    )
    history_limit: int = Field(
        default=1_000_000, ge=1_000, description="Assignments kept in a pool's history."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe lines that are logged."
    )
    log_format: Literal["json", "text"] = Field(
        default="json", description="json: one object a line; text: for people."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no .env: explicit files only
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags first, then the environment, then ``pointsman.toml``, then secret files."""
        return (
            init_settings,
            env_settings,
            TomlConfigSettingsSource(settings_cls),
            file_secret_settings,
        )
