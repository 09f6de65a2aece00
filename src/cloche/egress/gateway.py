"""A session's gateway: accepts on a listener inside the sandbox, and answers for every connection it lets out."""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Final

import structlog

from cloche.concurrency.splice import abort
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.concurrency.threads import in_thread
from cloche.data_plane.relay import Relays
from cloche.data_plane.running import HereRelays
from cloche.egress.accept_guard import AcceptGuard
from cloche.egress.accounting import ByteBudget, Counters
from cloche.egress.connect import Dial, dial
from cloche.egress.connection import Service, serve
from cloche.egress.destination import Destinations
from cloche.egress.policy import EgressPolicy, RefusalReason
from cloche.egress.refusals import WINDOW_S, Refusal, RefusalWindow
from cloche.egress.resolver import Resolver
from cloche.egress.segments import widen

__all__ = ["EGRESS_BYTES", "Gateway", "Refusal"]

EGRESS_BYTES: Final = "egress_bytes"
"""What `on_exhausted` is told."""

# Sockets beyond the allowed connections that may be in their handshake, or waiting to be told no.
_HANDSHAKE_SLACK: Final = 64
_OUT_OF_RESOURCES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_OUT_OF_RESOURCES_PAUSE_S: Final = 1.0
# accept(2): errors of a connection that was still in the queue, and other reasons to simply go on.
_PASSING: Final = frozenset(
    {
        *(errno.EAGAIN, errno.EINTR, errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN, errno.ENOPROTOOPT),
        *(errno.EHOSTDOWN, errno.ENONET, errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENETUNREACH),
    }
)

_log = structlog.get_logger(__name__)


class Gateway:
    """The only way out of one sandbox.

    Owned by the session's runner, in one event loop. `start` may be called again at any time with a new listener;
    connections that are open live on. `close` ends them all; a closed gateway may be started anew. Both callbacks
    are called from the loop and must not block: `on_refusal` coalesced (see `refusals`), `on_exhausted` once, with
    `EGRESS_BYTES`.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        resolver: Resolver,
        on_refusal: Callable[[Refusal], None],
        on_exhausted: Callable[[str], None],
        *,
        counters: Counters | None = None,
        dial: Dial = dial,
        guard: AcceptGuard | None = None,
        relays: Relays | None = None,
    ) -> None:
        """`guard` None leaves accept unwatched: for a listener that no guest can hold. `relays` None: in this loop."""
        self.counters = Counters() if counters is None else counters
        self._policy = policy
        self._on_refusal = on_refusal
        self._on_exhausted = on_exhausted
        self._guard = guard or AcceptGuard()
        self._told_exhausted = False
        self._window = RefusalWindow()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._accept_timer: asyncio.TimerHandle | None = None
        self._listener: socket.socket | None = None
        self._widenings: set[asyncio.Task[bool]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._service = Service(
            policy=policy,
            destinations=Destinations(policy, resolver, dial),
            counters=self.counters,
            budget=ByteBudget(self.counters, policy.max_bytes),
            on_refusal=self._refused,
            on_exhausted=self._exhausted,
            relays=relays or HereRelays(),
        )

    async def start(self, listener: socket.socket, *, is_wide: bool = False) -> None:
        """Accept on a listening TCP socket, in place of any before it. The gateway closes it when done. `is_wide`: its
        loopback has been widened already, see `segments`.

        Which kind of socket it is has been checked by whoever received it from the sandbox.
        """
        self._drop_listener()
        listener.setblocking(False)
        self._listener = listener
        if not is_wide:
            self._widen(listener.dup())
        self._resume()

    async def close(self) -> None:
        """Stop accepting, end every connection, tell the refusals that are still held back."""
        self._drop_listener()
        await cancel_and_wait(*self._tasks, *self._widenings)
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush()

    # --- accepting --------------------------------------------------------------------------------------------------

    def _resume(self) -> None:
        self._accept_timer = None
        if self._listener is not None:
            asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def _drop_listener(self) -> None:
        if self._accept_timer is not None:
            self._accept_timer.cancel()
            self._accept_timer = None
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _widen(self, listener: socket.socket) -> None:
        """Nobody waits for it: connections that are made before are only a little slower."""
        task = spawn(in_thread(widen, listener), name="widen-loopback")
        self._widenings.add(task)
        task.add_done_callback(self._widenings.discard)
        task.add_done_callback(lambda _: listener.close())

    def _accept(self, listener: socket.socket) -> None:
        # One at a time: only the first accept of a turn is known to find a connection waiting.
        try:
            client = self._guard.accept(listener)
        except OSError as error:
            self._accept_failed(error)
            return
        if len(self._tasks) >= self._policy.max_connections + _HANDSHAKE_SLACK:
            abort(client)
            self._refused(Refusal("", 0, RefusalReason.TOO_MANY_CONNECTIONS, str(self._policy.max_connections)))
            return
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = spawn(serve(client, self._service), name="egress-connection")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before its first step never gets to close what it was given.
        task.add_done_callback(lambda _: client.close())

    def _accept_failed(self, error: OSError) -> None:
        if error.errno in _PASSING:
            return
        loop = asyncio.get_running_loop()
        if self._listener is not None:
            loop.remove_reader(self._listener)
        if error.errno in _OUT_OF_RESOURCES:
            # The listener stays ready: without a pause this would be a busy loop that frees nothing.
            _log.warning("egress_out_of_resources", error=error.strerror)
            self._accept_timer = loop.call_later(_OUT_OF_RESOURCES_PAUSE_S, self._resume)
            return
        _log.warning("egress_listener_lost", error=error.strerror)

    # --- telling ----------------------------------------------------------------------------------------------------

    def _refused(self, refusal: Refusal) -> None:
        self.counters.count_refusal(refusal.reason)
        told = self._window.record(refusal)
        if self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(WINDOW_S, self._flush)
        if told is not None:
            self._on_refusal(told)

    def _flush(self) -> None:
        self._flush_timer = None
        for refusal in self._window.flush():
            self._on_refusal(refusal)

    def _exhausted(self) -> None:
        if not self._told_exhausted:
            self._told_exhausted = True
            self._on_exhausted(EGRESS_BYTES)
