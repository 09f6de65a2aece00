"""`cloche profile …`: what sessions start from and save back. Through the API."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cloche.cli.connection import JsonOption, UrlOption, connect
from cloche.cli.output import moment, print_facts, print_json, print_table
from cloche.cli.saving import pieces_of
from cloche.cli.saving import save as save_file
from cloche.cli.state_files import read_state
from cloche.errors import InvalidError

if TYPE_CHECKING:
    from cloche.client.keeping_answers import Profile

app = typer.Typer(help="Make, keep and carry profiles: cookies, storage, open tabs.", no_args_is_help=True)

MAX_PASSPHRASE_BYTES: Final = 8 * 1024
PASSPHRASE_VARIABLE: Final = "CLOCHE_PASSPHRASE"  # noqa: S105  # its name

ProfileId = Annotated[str, typer.Argument(metavar="ID")]
Name = Annotated[str, typer.Argument(metavar="NAME")]
RevisionOption = Annotated[int | None, typer.Option(metavar="N", min=1, help="Not the last, but this one.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help=f"Its first line. Without it: {PASSPHRASE_VARIABLE}, or you are asked.",
    ),
]


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="At most so many, last used first.")] = 50,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List profiles, last used first."""
    found: list[Profile] = []
    cursor: str | None = None
    with connect(url) as client:
        while len(found) < limit:
            page = client.profiles.list(limit=min(limit - len(found), 200), cursor=cursor)
            found += page.profiles
            if (cursor := page.next_cursor) is None:
                break
    if as_json:
        return print_json([profile.model_dump(mode="json") for profile in found])
    rows = [
        [
            each.id,
            each.name,
            each.owner,
            "*" if each.active else "-",
            str(each.revision),
            each.form or "-",
            str(each.size_bytes),
            moment(each.last_used_at),
        ]
        for each in found
    ]
    return print_table(["ID", "NAME", "OWNER", "ACTIVE", "REVISION", "FORM", "BYTES", "LAST USED"], rows)


@app.command()
def create(
    name: Name,
    color: Annotated[str, typer.Option(help="For people to tell it by: #ff8800.")] = "",
    private: Annotated[bool, typer.Option("--private", help="Sessions from it keep nothing.")] = False,
    persistence: Annotated[bool, typer.Option(help="Sessions from it may save back.")] = True,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an empty profile."""
    with connect(url) as client:
        made = client.profiles.create(name, theme_color=color, private=private, persistence=persistence)
    _show(made, as_json)


@app.command()
def show(profile_id: ProfileId, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show one profile."""
    with connect(url) as client:
        _show(client.profiles.get(profile_id), as_json)


@app.command()
def rename(profile_id: ProfileId, name: Name, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Give a profile another name."""
    with connect(url) as client:
        _show(client.profiles.update(profile_id, name=name), as_json)


@app.command()
def activate(profile_id: ProfileId, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Make it the one that sessions may ask for as `active`."""
    with connect(url) as client:
        _show(client.profiles.activate(profile_id), as_json)


@app.command()
def fork(
    profile_id: ProfileId,
    name: Name,
    revision: RevisionOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a profile that begins with a copy of this one."""
    with connect(url) as client:
        _show(client.profiles.fork(profile_id, name=name, revision=revision), as_json)


@app.command()
def delete(
    profile_id: ProfileId,
    force: Annotated[bool, typer.Option("--force", help="Also while a session uses it.")] = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a profile for good: its key is forgotten."""
    with connect(url) as client:
        deleted = client.profiles.delete(profile_id, force=force)
    if as_json:
        return print_json(deleted.model_dump(mode="json"))
    return typer.echo(f"{profile_id} deleted")


@app.command()
def revisions(profile_id: ProfileId, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List the revisions that are kept, newest first."""
    with connect(url) as client:
        found = client.profiles.revisions(profile_id)
    if as_json:
        return print_json([revision.model_dump(mode="json") for revision in found])
    rows = [
        [str(each.revision), each.form, each.engine or "-", str(each.size_bytes), moment(each.created_at)]
        for each in found
    ]
    return print_table(["REVISION", "FORM", "ENGINE", "BYTES", "SAVED"], rows)


@app.command()
def save(
    session_id: Annotated[str, typer.Argument(metavar="SESSION")], url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Save a living session's state to its profile now."""
    with connect(url) as client:
        _show(client.profiles.save_session(session_id), as_json)


@app.command()
def export(
    profile_id: ProfileId,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE")],
    revision: RevisionOption = None,
    passphrase_file: PassphraseFile = None,
    url: UrlOption = None,
) -> None:
    """Write a profile to a file that any server with the passphrase can import."""
    passphrase = _passphrase(passphrase_file, is_new=True)
    with connect(url) as client:
        save_file(output, client.profiles.export(profile_id, passphrase=passphrase, revision=revision), is_secret=True)


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)],
    name: Annotated[str, typer.Option(help="Of the new profile.")],
    passphrase_file: PassphraseFile = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a profile of an exported file."""
    passphrase = _passphrase(passphrase_file, is_new=False)
    with connect(url) as client:
        _show(client.profiles.import_file(pieces_of(source), passphrase=passphrase, name=name), as_json)


@app.command("storage-state")
def storage_state(
    profile_id: ProfileId,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it here.")] = None,
    load: Annotated[
        Path | None,
        typer.Option("--set", metavar="FILE", help="Save this one as the next revision instead.", dir_okay=False),
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print or write a profile's cookies and localStorage as Playwright's storage_state, or save such a file to it."""
    if load is not None and output is not None:
        raise typer.BadParameter("either --set or --output")
    if load is not None:
        state = read_state(load)
        with connect(url) as client:
            return _show(client.profiles.put_storage_state(profile_id, state), as_json)
    with connect(url) as client:
        kept = client.profiles.get_storage_state(profile_id)
    if output is None:
        return print_json(kept)
    return save_file(output, [json.dumps(kept, indent=2).encode()], is_secret=True)


@app.command()
def rekey(url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Have the server read its state key again and wrap everything under it. Needs an admin's key."""
    with connect(url) as client:
        done = client.profiles.rekey()
    if as_json:
        return print_json(done.model_dump(mode="json"))
    return print_facts(
        {
            "key": done.key_id,
            "rewrapped": done.rewrapped,
            "unreadable": done.unreadable,
            "earlier keys": ", ".join(done.previous_key_ids),
        }
    )


def _show(profile: "Profile", as_json: bool) -> None:
    if as_json:
        return print_json(profile.model_dump(mode="json"))
    return print_facts(
        {
            "id": profile.id,
            "name": profile.name,
            "owner": profile.owner,
            "color": profile.theme_color,
            "active": "yes" if profile.active else None,
            "private": "yes" if profile.private else None,
            "revision": profile.revision,
            "form": profile.form,
            "engine": profile.engine,
            "bytes": profile.size_bytes,
            "updated": moment(profile.updated_at),
            "last used": moment(profile.last_used_at),
            "used by": ", ".join(profile.used_by),
        }
    )


def _passphrase(file: Path | None, *, is_new: bool) -> str:
    """From a file, the environment, or whoever sits at the terminal; never from the command line, which others see."""
    if file is not None:
        try:
            with file.open("rb") as opened:
                data = opened.read(MAX_PASSPHRASE_BYTES)
            return data.decode().partition("\n")[0].removesuffix("\r")
        except (OSError, UnicodeDecodeError):
            raise InvalidError(f"{file} could not be read") from None
    if (text := os.environ.get(PASSPHRASE_VARIABLE)) is not None:
        return text
    if sys.stdin is None or not sys.stdin.isatty():
        raise InvalidError(f"there is no passphrase: set {PASSPHRASE_VARIABLE}, or give --passphrase-file")
    asked: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=is_new, err=True)
    return asked
