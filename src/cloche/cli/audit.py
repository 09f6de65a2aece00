"""`cloche audit …`: read the journal of what was done, take a copy of it, and find out whether somebody changed it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloche.cli.connection import JsonOption, UrlOption, connect
from cloche.cli.local import load_settings
from cloche.cli.output import moment, print_json, print_line, printable
from cloche.cli.saving import save
from cloche.errors import InvalidError

if TYPE_CHECKING:
    from cloche.client.audit_answers import AuditEvent
    from cloche.client.audit_calls import AuditFilter

app = typer.Typer(help="Read, export and verify the audit journal.", no_args_is_help=True)

EXIT_BROKEN = 1
FOLLOW_EVERY_S = 1.0

KindOption = Annotated[str | None, typer.Option(help="Only this kind, or with a dot at the end all it begins.")]
ActorOption = Annotated[str | None, typer.Option(help="Only what this principal did.")]
SessionOption = Annotated[str | None, typer.Option("--session", help="Only what concerns this session.")]
SubjectOption = Annotated[str | None, typer.Option(help="Only what concerns this key, profile or artifact.")]


@app.command()
def tail(
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=1000, help="How many of the newest.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is still to come.")] = False,
    kind: KindOption = None,
    actor: ActorOption = None,
    session: SessionOption = None,
    subject: SubjectOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the newest events, oldest of them first."""
    wanted = _wanted(kind, actor, session, subject)
    with connect(url) as client:
        newest = client.audit.list(limit=max(lines, 1), **wanted).events
        for event in reversed(newest[:lines]):
            _show(event, as_json)
        last = newest[0].seq if newest else 0
        while follow:
            page = client.audit.list(limit=1000, after=last, **wanted)
            for event in page.events:
                last = event.seq
                _show(event, as_json)
            if page.next_cursor is None:
                time.sleep(FOLLOW_EVERY_S)


@app.command()
def export(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Default: standard output.")] = None,
    kind: KindOption = None,
    actor: ActorOption = None,
    session: SessionOption = None,
    subject: SubjectOption = None,
    url: UrlOption = None,
) -> None:
    """Write the journal as JSON Lines, oldest first. Needs an admin's key."""
    with connect(url) as client:
        pieces = client.audit.export(**_wanted(kind, actor, session, subject))
        if output is not None:
            save(output, pieces, is_secret=True)
            return
        out = typer.get_binary_stream("stdout")
        for piece in pieces:
            out.write(piece)


@app.command()
def verify(
    local: Annotated[bool, typer.Option("--local", help="Straight on this machine's database.")] = False,
    file: Annotated[
        Path | None,
        typer.Option("--export", help="Follow an exported file; with --local also compare it with the database."),
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow the whole chain. Exit code 1, and the first wrong row, when it does not hold."""
    if local:
        found = _verify_local(file)
    elif file is not None:
        found = _verify_file(file)[0]
    else:
        with connect(url) as client:
            found = client.audit.verify().model_dump(mode="json")
    if as_json:
        print_json(found)
    elif found["holds"]:
        typer.echo(f"the journal holds: {found['rows']} rows, {found['first_seq']} to {found['last_seq']}")
    else:
        typer.echo(printable(f"the journal does not hold at row {found['broken_at']}: {found['reason']}"))
    if not found["holds"]:
        raise typer.Exit(EXIT_BROKEN)


def _verify_local(file: Path | None) -> dict[str, Any]:
    import asyncio

    from cloche.daemon.audit_parts import first_difference, verify_here
    from cloche.daemon.bootstrap import open_state

    settings = load_settings()
    of_file, hashes = _verify_file(file) if file is not None else ({"holds": True}, {})

    async def run() -> dict[str, Any]:
        async with open_state(settings) as (database, secret):
            found = _told(await verify_here(settings, database, secret))
            if found["holds"] and (differs := await first_difference(database, hashes)) is not None:
                found |= {"holds": False, "broken_at": differs, "reason": "the export has another row here"}
            return found

    return asyncio.run(run()) if of_file["holds"] else of_file


def _verify_file(file: Path) -> tuple[dict[str, Any], dict[int, str]]:
    from cloche.daemon.audit_parts import verify_export

    verified, hashes = verify_export(_lines(file))
    if not verified.rows and verified.broken_at is None:
        raise InvalidError(f"{file} has no rows")
    return _told(verified), hashes


def _lines(file: Path) -> Iterator[str]:
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            yield from opened
    except OSError as error:
        raise InvalidError(f"{file} could not be read: {error.strerror}") from None


def _told(verified: Any) -> dict[str, Any]:
    """As the API would tell it."""
    from dataclasses import asdict

    return {"holds": verified.broken_at is None, **asdict(verified)}


def _wanted(kind: str | None, actor: str | None, session: str | None, subject: str | None) -> "AuditFilter":
    wanted: AuditFilter = {}
    if kind is not None:
        wanted["kind"] = kind
    if actor is not None:
        wanted["actor"] = actor
    if session is not None:
        wanted["session_id"] = session
    if subject is not None:
        wanted["subject"] = subject
    return wanted


def _show(event: "AuditEvent", as_json: bool) -> None:
    if as_json:
        return print_line(event.model_dump(mode="json"))
    data = " ".join(f"{name}={value}" for name, value in event.data.items() if value not in (None, ""))
    about = " ".join(text for text in (event.session_id, event.subject, data) if text)
    outcome = "" if event.outcome == "ok" else f" [{event.outcome}]"
    typer.echo(printable(f"{event.seq} {moment(event.at)} {event.actor or '-'} {event.kind}{outcome} {about}"))
    return None
