"""`cloche pool …`: warm sandboxes under names, with options of their own. Through the API."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cloche.cli.connection import JsonOption, UrlOption, connect
from cloche.cli.output import moment, print_facts, print_json, print_table
from cloche.cli.session import HostsOption, LabelsOption, labels_of, show_session, viewport_of
from cloche.errors import InvalidError

if TYPE_CHECKING:
    from cloche.client.calls import SessionOptions
    from cloche.client.pool_answers import Pool
    from cloche.client.pool_calls import OwnOptions

app = typer.Typer(help="Keep browsers ready under a name, and take sessions from there.", no_args_is_help=True)

MAX_OPTIONS_BYTES: Final = 1 << 20

Name = Annotated[str, typer.Argument(metavar="NAME")]
OptionsFile = Annotated[
    Path | None,
    typer.Option("--options", metavar="FILE", help="JSON as `POST /v1/sessions` takes it."),
]


@app.command()
def create(
    name: Name,
    size: Annotated[int, typer.Option(min=0, help="So many wait, at least.")],
    options: OptionsFile = None,
    engine: Annotated[str | None, typer.Option(help="shell or chrome.")] = None,
    viewport: Annotated[str | None, typer.Option(metavar="WIDTHxHEIGHT", help="In CSS pixels.")] = None,
    locale: Annotated[str | None, typer.Option(help="de-DE")] = None,
    timezone: Annotated[str | None, typer.Option(help="Europe/Berlin")] = None,
    label: LabelsOption = None,
    allow_host: Annotated[HostsOption, typer.Option(help="Only these hosts. Repeatable.")] = None,
    machine: Annotated[bool, typer.Option("--machine", help="Open programs and files of its sessions.")] = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a pool, and begin to fill it. Needs an admin's key."""
    asked = _read(options)
    given = {
        "engine": engine,
        "viewport": viewport_of(viewport) if viewport is not None else None,
        "locale": locale,
        "timezone": timezone,
        "labels": labels_of(label) or None,
        "machine": machine or None,
    }
    asked |= {option: value for option, value in given.items() if value is not None}
    if allow_host:
        asked["egress"] = asked.get("egress", {}) | {"allow_hosts": allow_host}
    with connect(url) as client:
        _show(client.pools.create(name, size=size, **_typed(asked)), as_json)


@app.command("list")
def list_(url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List all pools: the server's own, `default`, and then by name."""
    with connect(url) as client:
        found = client.pools.list()
    if as_json:
        return print_json([pool.model_dump(mode="json") for pool in found])
    rows = [
        [
            each.name,
            str(each.size),
            str(each.ready),
            str(each.building),
            str(each.in_use),
            str(each.hits),
            str(each.misses),
            _percent(each.hit_rate) or "-",
        ]
        for each in found
    ]
    return print_table(["NAME", "SIZE", "READY", "BUILDING", "IN USE", "HITS", "MISSES", "HIT RATE"], rows)


@app.command()
def show(name: Name, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show one pool, and how it stands."""
    with connect(url) as client:
        _show(client.pools.get(name), as_json)


@app.command()
def update(
    name: Name,
    size: Annotated[int | None, typer.Option(min=0, help="So many wait, at least.")] = None,
    options: OptionsFile = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a pool another size, or other options in place of all it had. Needs an admin's key."""
    asked = _typed(_read(options)) if options is not None else None
    with connect(url) as client:
        _show(client.pools.update(name, size=size, options=asked), as_json)


@app.command()
def delete(name: Name, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Delete a pool. What waits goes, and its sessions live on. Needs an admin's key."""
    with connect(url) as client:
        client.pools.delete(name)
    if as_json:
        return print_json({"deleted": True})
    return typer.echo(f"{name} deleted")


@app.command()
def flush(name: Name, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Have all that wait in a pool replaced, `default` among them. Needs an admin's key."""
    with connect(url) as client:
        flushed = client.pools.flush(name)
    if as_json:
        return print_json({"flushed": flushed})
    return typer.echo(f"{flushed} flushed")


@app.command()
def acquire(
    name: Name,
    start_url: Annotated[str | None, typer.Argument(metavar="URL", help="Open this page at once.")] = None,
    idle_timeout: Annotated[int | None, typer.Option(metavar="SECONDS")] = None,
    lifetime: Annotated[int | None, typer.Option(metavar="SECONDS")] = None,
    label: LabelsOption = None,
    wait: Annotated[bool, typer.Option(help="Wait until it is ready.")] = True,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a session with a pool's options, and print its links."""
    own: OwnOptions = {}
    if start_url is not None:
        own["start_url"] = start_url
    if idle_timeout is not None:
        own["idle_timeout_s"] = idle_timeout
    if lifetime is not None:
        own["lifetime_s"] = lifetime
    if label:
        own["labels"] = labels_of(label)
    with connect(url) as client:
        show_session(client.pools.acquire(name, wait=wait, **own), as_json)


@app.command()
def release(
    name: Name,
    session_id: Annotated[str, typer.Argument(metavar="SESSION")],
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a session that came from a pool."""
    with connect(url) as client:
        show_session(client.pools.release(name, session_id), as_json)


def _read(file: Path | None) -> dict[str, Any]:
    """Raises: InvalidError."""
    if file is None:
        return {}
    try:
        with file.open("rb") as opened:
            read = json.loads(opened.read(MAX_OPTIONS_BYTES))
    except (OSError, ValueError):
        raise InvalidError(f"{file} could not be read as JSON") from None
    if not isinstance(read, dict):
        raise InvalidError(f"{file} holds no JSON object")
    return read


def _typed(options: dict[str, Any]) -> "SessionOptions":
    """The server checks what it is asked for."""
    return options  # type: ignore[return-value]


def _show(pool: "Pool", as_json: bool) -> None:
    if as_json:
        return print_json(pool.model_dump(mode="json"))
    return print_facts(
        {
            "name": pool.name,
            "size": pool.size,
            "ready": pool.ready,
            "building": pool.building,
            "wanted": pool.wanted,
            "in use": pool.in_use,
            "hits": pool.hits,
            "misses": pool.misses,
            "hit rate": _percent(pool.hit_rate),
            "created": pool.created_at and moment(pool.created_at),
            "changed": pool.updated_at and moment(pool.updated_at),
            "options": json.dumps({name: value for name, value in pool.options.items() if value not in (None, [], {})}),
        }
    )


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.0%}"
