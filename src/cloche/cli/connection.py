"""Which server a command talks to, and with which key."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from cloche.cli.local import first_admin_key, load_settings, running_daemon

if TYPE_CHECKING:
    from cloche.client.aio import Client
    from cloche.client.sync import SyncClient

UrlOption = Annotated[
    str | None, typer.Option("--url", envvar="CLOCHE_URL", help="The server. Default: this machine's daemon.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def connect(url: str | None) -> "SyncClient":
    """A client for `url`, or for the daemon of this machine."""
    from cloche.client.sync import SyncClient

    return SyncClient(*_server_and_key(url))


def connect_async(url: str | None) -> "Client":
    """The same for commands that ask many things at once."""
    from cloche.client.aio import Client

    return Client(*_server_and_key(url))


def _server_and_key(url: str | None) -> tuple[str, str | None]:
    """The key is CLOCHE_KEY.

    Only for this machine's daemon, and only if that is not set, it is the admin key which lies in the state directory:
    it must never be sent anywhere else.
    """
    key = os.environ.get("CLOCHE_KEY")
    if url is not None:
        return url, key
    settings = load_settings()
    if key is None and settings.admin_key is not None:
        key = settings.admin_key.get_secret_value()
    url = running_daemon(settings.state_dir) or f"http://{settings.http_bind}"
    return url, key or first_admin_key(settings.state_dir)
