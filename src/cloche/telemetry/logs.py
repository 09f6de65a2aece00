"""Logs on stderr: one JSON object a line for machines, coloured lines for people. Standard-library loggers join in."""

import logging
import sys
from enum import StrEnum

import structlog


class LogFormat(StrEnum):
    JSON = "json"
    CONSOLE = "console"


def configure_logs(log_format: LogFormat, level: str) -> None:
    """Set up structlog and route the standard library's loggers through it. Called once, at the daemon's start."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    is_json = log_format is LogFormat.JSON
    renderer = structlog.processors.JSONRenderer() if is_json else _console()
    tail: list[structlog.typing.Processor] = [structlog.processors.format_exc_info] if is_json else []
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # These write every statement with its values, or every check of an address: noise, and other people's data.
    for chatty in ("aioice", "aiortc", "aiosqlite", "alembic", "asyncio", "sqlalchemy"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _console() -> structlog.dev.ConsoleRenderer:
    # The default formatter would print the local variables of every frame, and secrets with them.
    return structlog.dev.ConsoleRenderer(colors=_is_a_tty(), exception_formatter=structlog.dev.plain_traceback)


def _is_a_tty() -> bool:
    return sys.stderr.isatty()
