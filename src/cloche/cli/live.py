"""`cloche live …`: through the API."""

from typing import TYPE_CHECKING, Annotated

import typer

from cloche.cli.connection import JsonOption, UrlOption, connect
from cloche.cli.output import moment, print_facts, print_json, print_table

if TYPE_CHECKING:
    from cloche.client.live_answers import LiveState, Recording

app = typer.Typer(help="Who watches a session, who acts in it, and recordings of it.", no_args_is_help=True)

SessionId = Annotated[str, typer.Argument(metavar="ID")]


@app.command()
def link(
    session_id: SessionId,
    control: Annotated[bool, typer.Option("--control", help="Who has it may act, not only watch.")] = False,
    lifetime: Annotated[int | None, typer.Option(metavar="SECONDS", help="Default: an hour.")] = None,
    name: Annotated[str, typer.Option(help="How the others see who comes by it.")] = "",
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a link for somebody without a key, and print it."""
    right = "control" if control else "view"
    with connect(url) as client:
        made = client.sessions.live(session_id).link(right=right, lifetime_s=lifetime, name=name)
    if as_json:
        return print_json(made.model_dump(mode="json"))
    typer.echo(made.url)
    return None


@app.command()
def viewers(
    session_id: SessionId,
    remove: Annotated[str | None, typer.Option(metavar="VIEWER", help="End this viewer's place first.")] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List who watches, and how their pictures arrive."""
    with connect(url) as client:
        live = client.sessions.live(session_id)
        if remove is not None:
            live.remove_viewer(remove)
        state = live.state()
    if as_json:
        return print_json(state.model_dump(mode="json"))
    rows = [
        [
            each.id,
            each.name or "-",
            each.right,
            "yes" if each.has_control else "asks" if each.wants_control else "-",
            " ".join(part for part in (each.transport, each.codec) if part) or "-",
            f"{each.fps:.0f}",
            f"{each.rtt_ms:.0f}",
            moment(each.joined_at),
        ]
        for each in state.viewers
    ]
    print_table(["ID", "NAME", "RIGHT", "CONTROL", "BY", "FPS", "RTT MS", "SINCE"], rows)
    return None


@app.command()
def control(
    session_id: SessionId,
    give: Annotated[str | None, typer.Option(metavar="VIEWER", help="To this one, whoever has it.")] = None,
    release: Annotated[bool, typer.Option("--release", help="From whoever has it.")] = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who has control; give it to a viewer, or take it away."""
    if give is not None and release:
        raise typer.BadParameter("either --give or --release", param_hint="--give")
    with connect(url) as client:
        live = client.sessions.live(session_id)
        if give is not None:
            live.give_control(give)
        if release:
            live.release_control()
        state = live.state()
    _show_control(state, as_json)


@app.command()
def record(
    session_id: SessionId,
    stop: Annotated[bool, typer.Option("--stop", help="End the one that runs, and wait for its file.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Show those there are.")] = False,
    format_: Annotated[str, typer.Option("--format", metavar="webm|mp4")] = "webm",
    max_seconds: Annotated[int | None, typer.Option(metavar="SECONDS")] = None,
    max_bytes: Annotated[int | None, typer.Option(metavar="BYTES")] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Begin to record a session; `cloche artifact get` fetches what has become of it."""
    with connect(url) as client:
        live = client.sessions.live(session_id)
        if list_:
            found = live.recordings()
        elif stop:
            found = [live.stop_recording()]
        else:
            found = [live.start_recording(format=format_, max_seconds=max_seconds, max_bytes=max_bytes)]
    if as_json:
        shown = [each.model_dump(mode="json") for each in found]
        return print_json(shown if list_ else shown[0])
    print_table(["ID", "STATUS", "FORMAT", "STARTED", "SECONDS", "BYTES", "ARTIFACT"], map(_row, found))
    return None


def _show_control(state: "LiveState", as_json: bool) -> None:
    if as_json:
        return print_json(state.control.model_dump(mode="json"))
    names = {viewer.id: viewer.name for viewer in state.viewers}
    holder = state.control.holder
    print_facts({"control": state.control.state, "holder": holder, "name": names.get(holder)})
    return None


def _row(recording: "Recording") -> list[str]:
    return [
        recording.id,
        recording.status,
        recording.format,
        moment(recording.started_at),
        f"{recording.seconds:.0f}",
        str(recording.bytes),
        recording.artifact_id or recording.error or "-",
    ]
