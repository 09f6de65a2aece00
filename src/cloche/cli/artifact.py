"""`cloche artifact …`: files that came out of sessions, and files for them. Through the API."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloche.cli.connection import JsonOption, UrlOption, connect
from cloche.cli.output import moment, print_facts, print_json, print_line, print_table
from cloche.cli.saving import pieces_of
from cloche.errors import InvalidError

if TYPE_CHECKING:
    from cloche.client.keeping_answers import Artifact

app = typer.Typer(help="Downloads, printed pages and other files of sessions.", no_args_is_help=True)


ArtifactId = Annotated[str, typer.Argument(metavar="ID")]


@app.command("list")
def list_(
    session: Annotated[str | None, typer.Option(metavar="SESSION", help="Only of this session.")] = None,
    state: Annotated[
        str | None, typer.Option(help="Only these: ready, quarantined, released, condemned, rejected.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Only these: download, pdf, screenshot, upload.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 50,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List files, newest first."""
    found: list[Artifact] = []
    cursor: str | None = None
    with connect(url) as client:
        while len(found) < limit:
            size = min(limit - len(found), 200)
            page = client.artifacts.list(session_id=session, state=state, kind=kind, limit=size, cursor=cursor)
            found += page.artifacts
            if (cursor := page.next_cursor) is None:
                break
    if as_json:
        return print_json([artifact.model_dump(mode="json") for artifact in found])
    rows = [
        [each.id, each.state, each.kind, str(each.size_bytes), moment(each.created_at), each.file_name]
        for each in found
    ]
    return print_table(["ID", "STATE", "KIND", "BYTES", "CREATED", "NAME"], rows)


@app.command()
def show(artifact_id: ArtifactId, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show what is known of a file, also of one in quarantine."""
    with connect(url) as client:
        _show(client.artifacts.get(artifact_id), as_json)


@app.command()
def get(
    artifact_id: ArtifactId,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: its own name, here.")
    ] = None,
    quarantined: Annotated[bool, typer.Option("--quarantined", help="Also one in quarantine.")] = False,
    url: UrlOption = None,
) -> None:
    """Fetch a file. What breaks off goes on where it ended, also when it is asked for again."""
    with connect(url) as client:
        to = output or _own_name(client.artifacts.get(artifact_id))
        client.artifacts.download(artifact_id, to, quarantined=quarantined)


@app.command()
def release(artifact_id: ArtifactId, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Let a file out of quarantine. Needs an admin's key, or one with the scope `release`."""
    with connect(url) as client:
        _show(client.artifacts.release(artifact_id), as_json)


@app.command()
def delete(
    artifact_ids: Annotated[list[str], typer.Argument(metavar="ID...")],
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete files."""
    with connect(url) as client:
        for artifact_id in artifact_ids:
            client.artifacts.delete(artifact_id)
            if as_json:
                print_line({"id": artifact_id, "deleted": True})
            else:
                typer.echo(f"{artifact_id} deleted")


@app.command()
def upload(
    source: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)],
    name: Annotated[str | None, typer.Option(help="What pages see. Default: its own.")] = None,
    media_type: Annotated[str, typer.Option("--type", metavar="TYPE/SUBTYPE")] = "",
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hand in a file, for file inputs of pages."""
    with connect(url) as client:
        made = client.artifacts.upload(pieces_of(source), file_name=name or source.name, media_type=media_type)
    _show(made, as_json)


def _own_name(artifact: "Artifact") -> Path:
    """A name that a stranger chose: never a path, and never over what is here already. Raises: InvalidError."""
    path = Path(Path(artifact.file_name.replace("\\", "/")).name)
    if not path.name or path.name.startswith(".") or not path.name.isprintable() or path.exists():
        raise InvalidError("it cannot be written under its own name here; give --output")
    return path


def _show(artifact: "Artifact", as_json: bool) -> None:
    if as_json:
        return print_json(artifact.model_dump(mode="json"))
    return print_facts(
        {
            "id": artifact.id,
            "name": artifact.file_name,
            "state": artifact.state,
            "reasons": ", ".join(artifact.reasons),
            "kind": artifact.kind,
            "type": artifact.media_type,
            "declared": artifact.declared_type,
            "bytes": artifact.size_bytes,
            "sha256": artifact.sha256,
            "session": artifact.session_id,
            "profile": artifact.profile_id,
            "owner": artifact.owner,
            "from": artifact.source_url,
            "referrer": artifact.referrer,
            "created": moment(artifact.created_at),
            "expires": moment(artifact.expires_at),
            "released by": artifact.decided_by,
        }
    )
