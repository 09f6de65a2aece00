"""`cloche serve`."""

import gc

import typer


def serve() -> None:
    """Run the daemon until SIGTERM or SIGINT. Settings come from CLOCHE_* variables and cloche.toml."""
    # Hundreds of modules are made and none thrown away. The daemon enables it once they are all there.
    gc.disable()
    from cloche.daemon.main import run

    raise typer.Exit(run())
