"""A session that may have to wait for its place: where it stands is told on stderr, until it is ready."""

from typing import TYPE_CHECKING

import typer

from cloche.errors import NoRoomError, StartError

if TYPE_CHECKING:
    from cloche.client.answers import Session
    from cloche.client.calls import SessionOptions
    from cloche.client.sync import SyncClient

_OF_THE_QUEUE = frozenset({"queue_timeout", "stopping"})


def waited_for(client: "SyncClient", options: "SessionOptions") -> "Session":
    """Make a session and follow it until it is ready. Interrupted, it is ended.

    Raises:
        NoRoomError: no place came free in time.
        StartError: it did not come up; the reason is the session's.
    """
    session = client.sessions.create(wait=False, **options)
    try:
        for event in client.sessions.events(session.id):
            if event.type == "session.queued":
                position, waiting = int(event.data["position"]), int(event.data["waiting"])
                typer.echo(f"waiting for a place: {position} of {waiting}", err=True)
            elif event.type == "session.ready":
                return client.sessions.get(session.id)
            elif event.type == "session.failed":
                reason = str(event.data.get("detail") or event.data.get("reason", ""))
                if reason in _OF_THE_QUEUE:
                    raise NoRoomError("no place came free for the session", reason=reason)
                raise StartError("the session did not start", reason=reason)
    except KeyboardInterrupt:
        client.sessions.close(session.id)
        raise
    raise StartError("the session was ended before it was ready", reason="closed")
