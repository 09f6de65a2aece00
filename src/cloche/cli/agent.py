"""`cloche agent …`: ask the agents of sessions through the API, or any agent by its socket, without a daemon.

Exit codes are those of the published tools: `ping` 1 if anyone did not answer, `status` 0 also for one that cannot be
reached, `inspect` 1 then, `exec` the program's own (255 where it has none) and 1 when the agent did not run it.
"""

import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from cloche.cli import agent_output as shown
from cloche.cli.connection import JsonOption, UrlOption
from cloche.cli.output import print_json, print_table, printable
from cloche.errors import ClocheError, InvalidError, TooLargeError

if TYPE_CHECKING:
    from cloche.cli.agent_targets import SocketAgent
    from cloche.client.answers import Session

app = typer.Typer(help="Look into sessions and virtual machines through their agents.", no_args_is_help=True)

MAX_STDIN_BYTES: Final = 128 * 1024
MAX_TIMEOUT_S: Final = 3600

SessionId = Annotated[str | None, typer.Argument(metavar="[SESSION]")]
SocketOption = Annotated[
    str | None, typer.Option("--socket", metavar="PATH", help="Not a session: the agent on this unix socket.")
]
VsockOption = Annotated[
    str | None, typer.Option("--vsock", metavar="CID:PORT", help="Not a session: the agent on this vsock port.")
]
FirecrackerOption = Annotated[
    str | None,
    typer.Option(
        "--firecracker",
        metavar="PATH[:PORT]",
        help="Not a session: the agent behind this socket of a virtual machine monitor. Default port: 52.",
    ),
]

T = TypeVar("T")


@app.command()
def ping(
    session_ids: Annotated[list[str] | None, typer.Argument(metavar="[SESSION]...")] = None,
    socket: SocketOption = None,
    vsock: VsockOption = None,
    firecracker: FirecrackerOption = None,
    url: UrlOption = None,
) -> None:
    """Ask for a sign of life: these sessions, or all that are ready. Exit code 1 if one gives none."""
    from cloche.cli import agent_questions

    other = _by_socket(socket, vsock, firecracker, session_ids)
    answers = _run(agent_questions.ping(other, session_ids or [], url))
    if not answers:
        typer.echo("no session is ready")
    for name, answer in answers:
        if isinstance(answer, ClocheError):
            typer.echo(printable(f"cloche: {name}: {answer.detail} [{answer.code}]"), err=True)
        else:
            typer.echo(printable(f"{name} is alive (pong after {answer:.1f} ms)"))
    if any(isinstance(answer, ClocheError) for _, answer in answers):
        raise typer.Exit(shown.EXIT_FAILED)


@app.command()
def status(
    session_id: SessionId = None,
    socket: SocketOption = None,
    vsock: VsockOption = None,
    firecracker: FirecrackerOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show whether a session is at work and how its checks are; all live sessions, if none is named."""
    from cloche.cli import agent_questions

    other = _by_socket(socket, vsock, firecracker, session_id)
    if other is None and session_id is None:
        return _show_all(_run(agent_questions.status_of_all(url)), as_json)
    report = _run(agent_questions.status(other, session_id or "", url))
    kind, name = _what_it_is(other, session_id)
    if isinstance(report, ClocheError):
        return _show_unreachable(kind, name, report, as_json)
    if as_json:
        return print_json(shown.status_document(name, report))
    return shown.print_report(kind, name, report, with_health=False)


@app.command()
def inspect(
    session_id: SessionId = None,
    socket: SocketOption = None,
    vsock: VsockOption = None,
    firecracker: FirecrackerOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all that one agent tells: worker status, health, probes, integrations."""
    from cloche.cli import agent_questions

    other = _by_socket(socket, vsock, firecracker, session_id, needs_one=True)
    report = _run(agent_questions.inspect(other, session_id or "", url))
    kind, name = _what_it_is(other, session_id)
    if as_json:
        return print_json(shown.inspect_document(name, report))
    return shown.print_report(kind, name, report, with_health=True)


@app.command("exec")
def exec_(
    words: Annotated[list[str] | None, typer.Argument(metavar="[SESSION] -- PROGRAM")] = None,
    shell: Annotated[str | None, typer.Option(metavar="TEXT", help="Shell text, instead of a program.")] = None,
    timeout: Annotated[int, typer.Option(metavar="SECONDS", min=1, max=MAX_TIMEOUT_S)] = 30,
    socket: SocketOption = None,
    vsock: VsockOption = None,
    firecracker: FirecrackerOption = None,
    url: UrlOption = None,
) -> None:
    """Run a program where the agent is, with what comes on stdin if that is no terminal. Its exit code becomes ours."""
    from cloche.cli import agent_questions
    from cloche.cli.agent_targets import Order

    takes_session = socket is None and vsock is None and firecracker is None
    session_id, *argv = words if takes_session and words else ["", *(words or [])]
    other = _by_socket(socket, vsock, firecracker, session_id, needs_one=True)
    if bool(argv) == (shell is not None):
        raise typer.BadParameter("give either a program after -- or --shell TEXT")
    if not _is_unicode(*argv, shell or ""):
        raise typer.BadParameter("what is to be run must be UTF-8 text")
    order = Order(argv=tuple(argv) or None, shell=shell, stdin=_read_stdin(), timeout_s=timeout)
    result = _run(agent_questions.execute(other, session_id, url, order))
    shown.write_output(result.stdout, sys.stdout)
    shown.write_output(result.stderr, sys.stderr)
    raise typer.Exit(shown.shell_exit_code(result.exit_code))


def _by_socket(
    socket: str | None, vsock: str | None, firecracker: str | None, session: object, *, needs_one: bool = False
) -> "SocketAgent | None":
    """The agent that an option names. One kind of target is allowed; `needs_one` where none is not."""
    from cloche.cli.agent_targets import socket_agent

    other = socket_agent(socket, vsock, firecracker)
    if other is not None and session:
        raise typer.BadParameter("name either a session or a socket")
    if other is None and not session and needs_one:
        raise typer.BadParameter("name a session, or an agent with --socket, --vsock or --firecracker")
    return other


def _what_it_is(other: "SocketAgent | None", session_id: str | None) -> tuple[str, str]:
    return ("Session", session_id or "") if other is None else ("Agent", other.name)


def _show_all(found: "list[tuple[Session, dict[str, Any] | ClocheError]]", as_json: bool) -> None:
    documents, rows = [], []
    for session, report in found:
        if isinstance(report, ClocheError):
            document = shown.missing_document(session.id, report, is_starting=session.status == "pending")
            documents.append(document)
            rows.append(shown.missing_row(document))
        else:
            documents.append(shown.status_document(session.id, report))
            rows.append(shown.status_row(session.id, report))
    if as_json:
        return print_json(documents)
    return print_table(shown.HEADS, rows)


def _show_unreachable(kind: str, name: str, error: ClocheError, as_json: bool) -> None:
    document = shown.unreachable_document(name, error)
    if as_json:
        return print_json(document)
    shown.print_label(kind, name)
    shown.print_label("Worker status", document["worker_status"])
    return shown.print_label("Error", document["error"])


def _is_unicode(*texts: str) -> bool:
    """False for bytes of the command line that were no UTF-8 and came in as lone surrogates (PEP 383)."""
    return not any("\ud800" <= character <= "\udfff" for text in texts for character in text)


def _read_stdin() -> str | None:
    """What is piped or redirected in; None for a terminal, a closed stdin and an empty one."""
    if sys.stdin is None or sys.stdin.isatty():
        return None
    data = sys.stdin.buffer.read(MAX_STDIN_BYTES + 1)
    if len(data) > MAX_STDIN_BYTES:
        raise TooLargeError(f"at most {MAX_STDIN_BYTES // 1024} KiB of input can be sent")
    try:
        return data.decode() or None
    except UnicodeDecodeError:
        raise InvalidError("the input must be UTF-8 text") from None


def _run(work: Coroutine[Any, Any, T]) -> T:
    import asyncio

    return asyncio.run(work)
