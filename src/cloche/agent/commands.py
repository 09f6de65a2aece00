"""What the host may ask on the link, and the beats that nobody has to ask for."""

import time
from collections.abc import Callable
from typing import Final

from cloche.agent.lease import Lease, LeaseError
from cloche.agent.link import Link
from cloche.agent.loop import Event, Loop
from cloche.agent.metrics import Metrics
from cloche.wire.messages import Command, FromAgent, MessageError, ToAgent

_MOST_INSIDE: Final = 1_000_000


class Commands:
    """Answers commands. Everything here returns at once: a command never holds up the next one."""

    def __init__(
        self,
        link: Callable[[], Link],
        metrics: Metrics,
        lease: Lease,
        lease_renewed: Event,
        shut_down: Callable[[str], None],
        *,
        host_says: Callable[[int, int], None] = lambda _clients, _actions: None,
        watch: Callable[[bool], None] = lambda _enabled: None,
    ) -> None:
        """`host_says` takes the host's count of attached clients and running actions; `watch` switches the watcher."""
        self._link, self._metrics, self._lease = link, metrics, lease
        self._lease_renewed, self._shut_down = lease_renewed, shut_down
        self._host_says, self._watch = host_says, watch

    def run(self, command: Command) -> None:
        """Do what was asked.

        Raises:
            MessageError: an unknown type or a payload that will not do; the link answers with an `error`.
        """
        request_id = command.id or None
        match command.type:
            case ToAgent.SHUTDOWN:
                self._shut_down("host")
            case ToAgent.HEALTH_CHECK:
                self._link().send(FromAgent.HEALTH_RESPONSE, self._metrics.health(), request_id)
            case ToAgent.COLLECT_METRICS:
                self._link().send(FromAgent.METRICS_RESPONSE, self._metrics.metrics(), request_id)
            case ToAgent.LEASE:
                self._renew(command)
            case ToAgent.ACTIVITY:
                self._host_says(_count(command, "clients"), _count(command, "actions"))
            case ToAgent.WATCH:
                self._watch(_flag(command, "enabled"))
            case _:
                raise MessageError(f"unknown command: {command.type[:64]}", request_id)

    def _renew(self, command: Command) -> None:
        try:
            self._lease.renew(command.payload.get("ttl_s"), time.monotonic())
        except LeaseError as error:
            raise MessageError(str(error), command.id or None) from None
        self._lease_renewed.pulse()


def _count(command: Command, name: str) -> int:
    value = command.payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_INSIDE:
        raise MessageError(f"{name} must be a whole number from 0 to {_MOST_INSIDE}", command.id or None)
    return value


def _flag(command: Command, name: str) -> bool:
    value = command.payload.get(name)
    if not isinstance(value, bool):
        raise MessageError(f"{name} must be true or false", command.id or None)
    return value


async def beat(loop: Loop, interval_s: float, say: Callable[[], None]) -> None:
    """Call `say` every interval, the first time after one. The link itself says the first heartbeat."""
    while True:
        await loop.sleep(interval_s)
        say()
