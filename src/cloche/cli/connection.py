"""Which server a command talks to, and with which key."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from cloche.cli.local import first_admin_key, load_settings, running_daemon

if TYPE_CHECKING:
    from cloche.client.sync import SyncClient

UrlOption = Annotated[
    str | None, typer.Option("--url", envvar="CLOCHE_URL", help="The server. Default: this machine's daemon.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def connect(url: str | None) -> "SyncClient":
    """A client for `url`, or for the daemon of this machine.

    The key is CLOCHE_KEY. Only for this machine's daemon, and only if that is not set, it is the admin key which lies
    in the state directory: it must never be sent anywhere else.
    """
    from cloche.client.sync import SyncClient

    key = os.environ.get("CLOCHE_KEY")
    if url is not None:
        return SyncClient(url, key)
    settings = load_settings()
    if key is None and settings.admin_key is not None:
        key = settings.admin_key.get_secret_value()
    url = running_daemon(settings.state_dir) or f"http://{settings.http_bind}"
    return SyncClient(url, key or first_admin_key(settings.state_dir))
