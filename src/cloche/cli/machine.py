"""`cloche machine …`: programs, files, logs and the browser of a session, through the API."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cloche.cli import agent_output as shown
from cloche.cli.connection import JsonOption, UrlOption, connect
from cloche.cli.output import moment, print_facts, print_json, print_line, print_table, printable
from cloche.cli.saving import pieces_of, save
from cloche.errors import InvalidError

if TYPE_CHECKING:
    from cloche.client.machine_answers import BrowserStart, FileEntry, LogLine
    from cloche.client.machine_calls import BrowserChange

app = typer.Typer(help="Work in a session made with --machine; stop and start its browser.", no_args_is_help=True)

MAX_STDIN_BYTES: Final = 512 * 1024
TIMED_OUT_EXIT_CODE: Final = 124
"""As timeout(1) has it."""

SessionId = Annotated[str, typer.Argument(metavar="SESSION")]
Inside = Annotated[str, typer.Argument(metavar="PATH", help="In the session: /workspace/… or /profile/….")]
ZipOption = Annotated[bool, typer.Option("--zip", help="A zip instead of a tar.zst.")]


@app.command("exec")
def exec_(
    session_id: SessionId,
    argv: Annotated[list[str], typer.Argument(metavar="-- PROGRAM...")],
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, max=3600)] = 60,
    cwd: Annotated[str | None, typer.Option(metavar="PATH")] = None,
    url: UrlOption = None,
) -> None:
    """Run a program, with what comes on stdin if that is no terminal. Its exit code becomes ours; 124 at a timeout."""
    stdin = _read_stdin()
    with connect(url) as client:
        machine = client.sessions.machine(session_id)
        if cwd is None:
            run = machine.exec(argv, stdin=stdin, kill_on_disconnect=True, timeout_sec=timeout)
        else:
            run = machine.exec(argv, stdin=stdin, kill_on_disconnect=True, timeout_sec=timeout, cwd=cwd)
    shown.write_bytes(run.stdout, sys.stdout)
    shown.write_bytes(run.stderr, sys.stderr)
    if run.stdout_truncated or run.stderr_truncated:
        typer.echo("cloche: it printed more than was kept", err=True)
    if run.timed_out:
        raise typer.Exit(TIMED_OUT_EXIT_CODE)
    raise typer.Exit(shown.shell_exit_code(run.exit_code if run.exit_code is not None else -1))


@app.command()
def ps(session_id: SessionId, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show who runs in a session."""
    with connect(url) as client:
        parts = client.sessions.machine(session_id).parts()
    if as_json:
        return print_json(parts.model_dump(mode="json"))
    rows = [
        [part.name, part.state, str(part.pid or "-"), moment(part.started_at), str(part.restarts), part.reason or "-"]
        for part in parts.parts
    ]
    return print_table(["PART", "STATE", "PID", "STARTED", "RESTARTS", "REASON"], rows)


@app.command()
def logs(
    session_id: SessionId,
    source: Annotated[str, typer.Argument(help="browser, agent, supervisor, or a file's path.")] = "browser",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is added.")] = False,
    tail: Annotated[int | None, typer.Option(metavar="LINES", min=0)] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what was logged."""
    is_path = "/" in source
    with connect(url) as client:
        machine = client.sessions.machine(session_id)
        path = source if is_path else None
        for line in machine.logs("path" if is_path else source, path=path, follow=follow, tail=tail):
            _print_log(line, as_json)


@app.command("ls")
def list_files(
    session_id: SessionId,
    path: Annotated[str, typer.Argument(metavar="PATH")] = "/workspace",
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List a directory."""
    with connect(url) as client:
        entries = client.sessions.machine(session_id).list_files(path)
    if as_json:
        return print_json([entry.model_dump(mode="json") for entry in entries])
    rows = [[entry.mode, str(entry.size_bytes), moment(entry.mod_time), _shown_name(entry)] for entry in entries]
    return print_table(["MODE", "BYTES", "CHANGED", "NAME"], rows)


@app.command()
def get(session_id: SessionId, path: Inside, to: Annotated[Path, typer.Argument()], url: UrlOption = None) -> None:
    """Copy a file out of a session."""
    with connect(url) as client:
        save(to, client.sessions.machine(session_id).read_pieces(path))


@app.command()
def put(
    session_id: SessionId,
    source: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    path: Inside,
    url: UrlOption = None,
) -> None:
    """Copy a file into a session."""
    with connect(url) as client:
        client.sessions.machine(session_id).write_file(path, pieces_of(source))


@app.command()
def download(
    session_id: SessionId,
    path: Inside,
    to: Annotated[Path, typer.Argument(metavar="ARCHIVE")],
    is_zip: ZipOption = False,
    url: UrlOption = None,
) -> None:
    """Copy a directory out of a session, as an archive. /profile is the browser's; stop the browser first."""
    with connect(url) as client:
        save(to, client.sessions.machine(session_id).download(path, is_zip=is_zip))


@app.command()
def upload(
    session_id: SessionId,
    archive: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    path: Inside,
    is_zip: ZipOption = False,
    replace: Annotated[bool, typer.Option("--replace", help="Nothing of what is there stays.")] = False,
    url: UrlOption = None,
) -> None:
    """Unpack an archive into a directory of a session: all of it or nothing."""
    with connect(url) as client:
        done = client.sessions.machine(session_id).upload(path, pieces_of(archive), is_zip=is_zip, replace=replace)
    typer.echo(f"{done.files} files, {done.bytes} bytes")
    for note in done.notes:
        typer.echo(printable(note), err=True)


@app.command("restart-browser")
def restart_browser(
    session_id: SessionId,
    flag: Annotated[list[str] | None, typer.Option(metavar="--NAME=VALUE", help="Repeatable.")] = None,
    extension: Annotated[list[str] | None, typer.Option(metavar="PATH", help="In the session. Repeatable.")] = None,
    profile: Annotated[str | None, typer.Option(metavar="PATH", help="In the session: take this profile.")] = None,
    start_url: Annotated[str | None, typer.Option(metavar="URL")] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop the browser with everything written, change what is asked for, and start it again."""
    change: BrowserChange = {}
    if flag:
        change["flags"] = flag
    if extension:
        change["extensions"] = extension
    if profile is not None:
        change["profile"] = profile
    if start_url is not None:
        change["start_url"] = start_url
    with connect(url) as client:
        _show_start(client.sessions.machine(session_id).restart_browser(**change), as_json)


@app.command("start-browser")
def start_browser(session_id: SessionId, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Start a browser that was stopped, with the tabs it had."""
    with connect(url) as client:
        _show_start(client.sessions.machine(session_id).start_browser(), as_json)


@app.command("stop-browser")
def stop_browser(session_id: SessionId, url: UrlOption = None) -> None:
    """Stop the browser with everything written; the session stays."""
    with connect(url) as client:
        stopped = client.sessions.machine(session_id).stop_browser()
    typer.echo(f"{stopped.state} after {stopped.stop_ms:.0f} ms")


def _show_start(start: "BrowserStart", as_json: bool) -> None:
    if as_json:
        return print_json(start.model_dump(mode="json"))
    return print_facts(
        {
            "browser": start.browser.get("product"),
            "ready after": f"{start.total_ms:.0f} ms",
            "tabs": start.restored_tabs,
        }
    )


def _print_log(line: "LogLine", as_json: bool) -> None:
    if as_json:
        print_line(line.model_dump(mode="json", exclude_none=True))
    elif line.event is not None:
        typer.echo("cloche: lines are missing here", err=True)
    else:
        typer.echo(printable(line.message))


def _shown_name(entry: "FileEntry") -> str:
    return f"{entry.name} -> {entry.link_target}" if entry.is_link else entry.name + ("/" if entry.is_dir else "")


def _read_stdin() -> bytes | None:
    """What is piped or redirected in; None for a terminal, a closed stdin and an empty one."""
    if sys.stdin is None or sys.stdin.isatty():
        return None
    data = sys.stdin.buffer.read(MAX_STDIN_BYTES + 1)
    if len(data) > MAX_STDIN_BYTES:
        raise InvalidError(f"at most {MAX_STDIN_BYTES // 1024} KiB of input can be sent; put a file into the session")
    return data or None
