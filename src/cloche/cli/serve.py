"""`cloche serve`."""

import typer


def serve() -> None:
    """Run the daemon until SIGTERM or SIGINT. Settings come from CLOCHE_* variables and cloche.toml."""
    from cloche.daemon.main import run

    raise typer.Exit(run())
