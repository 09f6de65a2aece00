"""This machine's own daemon: its settings and what it left in its state directory."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from cloche.daemon.settings import Settings

EXIT_USAGE = 2


def load_settings() -> "Settings":
    """Read the daemon's settings; a bad one ends the command with exit code 2."""
    from pydantic import ValidationError

    from cloche.daemon.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = "CLOCHE_" + "_".join(str(part) for part in problem["loc"]).upper()
            typer.echo(f"cloche: {name}: {problem['msg']}", err=True)
        raise typer.Exit(EXIT_USAGE) from None


def running_daemon(state_dir: Path) -> str | None:
    """The URL of the daemon that holds `state_dir`, None when there is none to be seen."""
    try:
        address = json.loads((state_dir / "daemon.json").read_text())["http"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return f"http://{address}" if isinstance(address, str) else None


def first_admin_key(state_dir: Path) -> str | None:
    """The key a daemon made at its first start, if this user may read it."""
    try:
        return (state_dir / "admin.key").read_text().strip() or None
    except OSError:
        return None
