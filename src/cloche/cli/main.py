"""The entry point: `cloche`."""

import sys

import typer

from cloche import __version__
from cloche.cli import agent, artifact, audit, browse, doctor, key, live, machine, pool, profile, serve, session
from cloche.cli.output import printable
from cloche.errors import CapacityError, ClocheError

EXIT_FAILED = 1

app = typer.Typer(
    name="cloche",
    help="Self-hosted browser infrastructure: every browser session under its own glass.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(session.app, name="session")
app.add_typer(key.app, name="key")
app.add_typer(pool.app, name="pool")
app.add_typer(profile.app, name="profile")
app.add_typer(artifact.app, name="artifact")
app.add_typer(agent.app, name="agent")
app.add_typer(machine.app, name="machine")
app.add_typer(browse.app, name="browse")
app.add_typer(live.app, name="live")
app.add_typer(audit.app, name="audit")
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; what the server refused becomes one line on stderr and exit code 1."""
    try:
        app()
    except ClocheError as error:
        again = f"; try again in {error.retry_after_s} s" if isinstance(error, CapacityError) else ""
        typer.echo(printable(f"cloche: {error.detail} [{error.code}]{again}"), err=True)
        sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    main()
