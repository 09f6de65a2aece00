"""The first of the doors: hands each upgrade request to the one whose path it is."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from cloche.api.devtools_door.door import DoorFactory
from cloche.api.live.door import LiveDoor, is_live_path

LiveDoorFactory = Callable[..., LiveDoor]


class Upgrades(asyncio.Protocol):
    """What uvicorn makes for each upgrade request; gone once it has handed it on."""

    def __init__(self, devtools: DoorFactory, live: LiveDoorFactory, given: dict[str, Any]) -> None:
        self._devtools, self._live, self._given = devtools, live, given
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """The head, and what came behind it. Called by `LimitedHttpProtocol`, once."""
        transport = self._transport
        assert transport is not None
        target = data.partition(b"\r\n")[0].split(b" ")[1]
        make: Callable[..., Any] = self._live if is_live_path(target) else self._devtools
        door = make(**self._given)
        door.connection_made(transport)
        transport.set_protocol(door)
        door.data_received(data)


def upgrades_factory(devtools: DoorFactory, live: LiveDoorFactory) -> Callable[..., Upgrades]:
    """What uvicorn calls as its `ws` protocol class."""

    def make(**given: Any) -> Upgrades:
        return Upgrades(devtools, live, given)

    return make
