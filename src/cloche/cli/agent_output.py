"""How an agent's report is shown: rows, labelled lines, documents; and what a program in a guest has printed.

A report is `{worker_status, last_busy_at, health_summary, probes, integrations}`. What a guest wrote never reaches a
terminal with control characters in it.
"""

import os
from collections.abc import Mapping
from typing import Any, Final, TextIO

import typer

from cloche.cli.output import print_table, printable
from cloche.errors import ClocheError

Report = Mapping[str, Any]

EXIT_FAILED: Final = 1

HEADS: Final = ("NAME", "STATUS", "LAST BUSY", "HEALTH")
LABEL_WIDTH: Final = 14
MAX_CELL: Final = 100
"""Of a detail in a table; the document has all of it."""
SIGNAL_EXIT_CODE: Final = 255
"""For a program without an exit code of its own: a signal or its time ended it, or it could not be started."""


def status_document(name: str, report: Report) -> dict[str, Any]:
    keys = ("worker_status", "last_busy_at", "integrations", "probes")
    return {"name": name} | {key: report[key] for key in keys}


def unreachable_document(name: str, error: ClocheError) -> dict[str, Any]:
    return {"name": name, "worker_status": "unreachable", "error": error.detail}


def missing_document(name: str, error: ClocheError, *, is_starting: bool) -> dict[str, Any]:
    """Stand in a list for one that does not answer."""
    return {"name": name, "status": "starting" if is_starting else "error", "error": error.detail}


def inspect_document(name: str, report: Report) -> dict[str, Any]:
    keys = ("worker_status", "last_busy_at", "health_summary", "probes", "integrations")
    return {"name": name} | {key: report[key] for key in keys}


def status_row(name: str, report: Report) -> list[str]:
    return [name, report["worker_status"], _last_busy(report), cell(report["health_summary"]["summary"])]


def missing_row(document: Mapping[str, str]) -> list[str]:
    return [document["name"], document["status"], "-", cell(document["error"])]


def print_report(kind: str, name: str, report: Report, *, with_health: bool) -> None:
    """Labelled lines, then the probes and the integrations where there are any. `kind` says what the name names."""
    print_label(kind, name)
    print_label("Worker status", report["worker_status"])
    print_label("Last busy", _last_busy(report))
    if with_health:
        print_label("Health", report["health_summary"]["summary"])
    if report["probes"]:
        typer.echo("Probes")
        rows = [[row["name"], _verdict(row), cell(row["detail"]), row["checked_at"]] for row in report["probes"]]
        print_table(("NAME", "HEALTH", "DETAIL", "CHECKED AT"), rows, indent="  ")
    if report["integrations"]:
        typer.echo("Integrations")
        rows = [
            [row["name"], row["status"], _verdict(row), cell(row["detail"] or "-"), row["checked_at"] or "-"]
            for row in report["integrations"]
        ]
        print_table(("NAME", "STATUS", "HEALTH", "DETAIL", "CHECKED AT"), rows, indent="  ")


def print_label(label: str, value: str) -> None:
    typer.echo(f"{label:<{LABEL_WIDTH}} {printable(value)}")


def cell(text: str) -> str:
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"


def write_output(text: str, stream: TextIO | None) -> None:
    """Write what a program printed: to the letter into a file or a pipe, without control characters to a terminal.

    A stream that was closed when we were started is None and gets nothing.
    """
    write_bytes(text.encode("utf-8", "replace"), stream)


def write_bytes(data: bytes, stream: TextIO | None) -> None:
    """As `write_output`, for what need not be text."""
    if stream is None:
        return
    try:
        if stream.isatty():
            stream.write(printable_lines(data.decode("utf-8", "replace")))
        else:
            stream.buffer.write(data)
        stream.flush()
    except BrokenPipeError:
        raise  # whoever read it has had enough
    except OSError as error:
        # What is still in the buffer must not fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        typer.echo(f"cloche: the output could not be written: {error.strerror}", err=True)
        raise typer.Exit(EXIT_FAILED) from None


def printable_lines(text: str) -> str:
    """As `printable`, with newlines and tabs kept."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in lines)


def shell_exit_code(exit_code: int) -> int:
    return exit_code if 0 <= exit_code <= 255 else SIGNAL_EXIT_CODE


def _last_busy(report: Report) -> str:
    return report["last_busy_at"] or "never"


def _verdict(row: Report) -> str:
    return {True: "ok", False: "failing", None: "-"}[row["healthy"]]
