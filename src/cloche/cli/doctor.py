"""`cloche doctor`."""

from dataclasses import asdict
from typing import Annotated

import typer

from cloche.cli.local import load_settings
from cloche.cli.output import print_json

_MARKS = {True: "ok  ", None: "warn", False: "BAD "}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check whether this machine can run sessions, and say how to mend what it lacks. Exit code 1 if it cannot."""
    from cloche.daemon.doctor.checks import run_checks
    from cloche.daemon.doctor.from_settings import doctor_settings

    results = run_checks(doctor_settings(load_settings()))
    if as_json:
        print_json([asdict(result) for result in results])
    else:
        for result in results:
            typer.echo(f"{_MARKS[result.ok]}  {result.name}: {result.found}")
            if result.ok is not True:
                typer.echo(f"      {result.meaning}")
                typer.echo(f"      to mend: {result.mend}")
    if any(result.ok is False for result in results):
        raise typer.Exit(1)
