"""Structured logging: one JSON object a line, or coloured text on a terminal."""

import logging
import sys
from typing import Final

import structlog

_SHOWN_CHARS: Final = 200


def set_up_logging(*, json_lines: bool, level: str = "INFO") -> None:
    """Send every log record of this process to standard error in one format."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if json_lines
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # These log every plugin that they load and every request that they make.
    for library in ("alembic", "boto3", "botocore", "httpcore2", "httpx2", "urllib3"):
        logging.getLogger(library).setLevel(logging.WARNING)


def get_logger(package: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a package, for example `get_logger("ingest.digest")`."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(package)
    return logger


def shown(value: object) -> str:
    """Return untrusted input for use in a message: escaped, and cut to 200 characters."""
    text = value if isinstance(value, str) else repr(value)
    cut = text[:_SHOWN_CHARS]
    escaped = cut.encode("unicode_escape", "backslashreplace").decode("ascii")
    return f"{escaped}…" if len(text) > _SHOWN_CHARS else escaped
