"""`cloche key …`: through the API with an admin's key, or with `--local` straight on this machine's database."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from cloche.cli.connection import JsonOption, UrlOption, connect
from cloche.cli.local import load_settings
from cloche.cli.output import moment, print_facts, print_json, print_table

if TYPE_CHECKING:
    from cloche.client.answers import Key, KeyPage, NewKey

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)

LocalOption = Annotated[
    bool, typer.Option("--local", help="Work on this machine's database, with the daemon down or up.")
]
T = TypeVar("T")


@app.command()
def create(
    principal: Annotated[str | None, typer.Argument(help="Whose key. Default: admin, with the role admin.")] = None,
    role: Annotated[str | None, typer.Option(help="admin or user. Default: user.")] = None,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    scope: Annotated[
        list[str] | None, typer.Option(help="What a user may beyond driving sessions: machine, release. Repeatable.")
    ] = None,
    local: LocalOption = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key. Its secret is printed this once."""
    role = role or ("admin" if principal is None else "user")
    key = _create(principal or "admin", role, name, scope or [], local, url)
    if as_json:
        return print_json(key.model_dump(mode="json"))
    facts = {"id": key.id, "principal": key.principal, "role": key.role, "name": key.name}
    print_facts(facts | ({"scopes": ", ".join(key.scopes)} if key.scopes else {}) | {"secret": key.secret})
    return None


@app.command("list")
def list_(local: LocalOption = False, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List keys, newest first, revoked ones too."""
    keys = _list(local, url)
    if as_json:
        return print_json([key.model_dump(mode="json") for key in keys])
    rows = [
        [
            key.id,
            key.principal,
            key.role,
            ",".join(key.scopes) or "-",
            key.name,
            moment(key.created_at),
            moment(key.last_used_at),
            _state(key),
        ]
        for key in keys
    ]
    print_table(["ID", "PRINCIPAL", "ROLE", "SCOPES", "NAME", "CREATED", "LAST USED", "STATE"], rows)
    return None


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID")],
    local: LocalOption = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key useless from now on."""
    key = _revoke(key_id, local, url)
    if as_json:
        return print_json(key.model_dump(mode="json"))
    typer.echo(f"{key.id} {_state(key)}")
    return None


def _create(principal: str, role: str, name: str, scopes: list[str], local: bool, url: str | None) -> "NewKey":
    from cloche.client.answers import NewKey

    if not local:
        with connect(url) as client:
            return client.keys.create(principal=principal, role=role, name=name, scopes=scopes)

    async def make(store: Any) -> NewKey:
        record, secret = await store.create(principal=principal, role=role, name=name, scopes=scopes)
        return NewKey(**_told(record), secret=secret)

    return _on_store(make)


def _list(local: bool, url: str | None) -> "list[Key]":
    if local:
        return _on_store(_read_all)
    keys: list[Key] = []
    with connect(url) as client:
        page: KeyPage | None = None
        while page is None or page.next_cursor is not None:
            page = client.keys.list(limit=200, cursor=page.next_cursor if page else None)
            keys += page.keys
    return keys


async def _read_all(store: Any) -> "list[Key]":
    from cloche.client.answers import Key

    keys, cursor, is_last = list[Key](), None, False
    while not is_last:
        page = await store.list(limit=200, cursor=cursor)
        keys += [Key(**_told(record)) for record in page.keys]
        cursor, is_last = page.next_cursor, page.next_cursor is None
    return keys


def _revoke(key_id: str, local: bool, url: str | None) -> "Key":
    from cloche.client.answers import Key

    if not local:
        with connect(url) as client:
            return client.keys.revoke(key_id)

    from cloche.ids import parse_key_id

    async def take_back(store: Any) -> Key:
        return Key(**_told(await store.revoke(parse_key_id(key_id))))

    return _on_store(take_back)


def _on_store(act: Callable[[Any], Awaitable[T]]) -> T:
    """Open the key store of this machine's state directory, act, and close it."""
    import asyncio

    from cloche.daemon.bootstrap import open_key_store

    settings = load_settings()

    async def run() -> T:
        async with open_key_store(settings) as store:
            return await act(store)

    return asyncio.run(run())


def _told(record: Any) -> dict[str, Any]:
    """A record as the API would tell it."""
    return asdict(record) | {"scopes": sorted(record.scopes)}


def _state(key: "Key") -> str:
    return f"revoked {moment(key.revoked_at)}" if key.revoked_at else "valid"
