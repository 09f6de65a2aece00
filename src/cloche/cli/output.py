"""How answers are shown: a table or JSON, one line an event."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import typer


def print_json(value: Any) -> None:
    typer.echo(_escaped(json.dumps(value, indent=2, ensure_ascii=False)))


def print_line(value: Mapping[str, Any]) -> None:
    """One JSON object on one line, for streams."""
    typer.echo(_escaped(json.dumps(value, ensure_ascii=False)))


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, indent: str = "") -> None:
    """Columns as wide as their widest cell; the last is not padded. Nothing but the heads when there are no rows."""
    lines = [list(heads), *(list(map(printable, row)) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        typer.echo(indent + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_facts(facts: Mapping[str, object]) -> None:
    """Name and value, one a line; what is empty is left out."""
    shown = {name: value for name, value in facts.items() if value not in (None, "", {})}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        typer.echo(f"{name.ljust(width)}  {printable(str(value))}")


def moment(at: datetime | None) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at is not None else "-"


def printable(text: str) -> str:
    """Without control characters: a session's texts must not steer the terminal they are read in."""
    return "".join(character if character.isprintable() else "�" for character in text)


def _escaped(text: str) -> str:
    """The same JSON, with escapes also for what does not print above U+001F, where JSON itself asks for none."""
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
