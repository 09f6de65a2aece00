"""What an adapter does. Its four stages are those of BrowserArena: create, connect, goto (a client does that), "
"release."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, ClassVar, Self

from side_by_side.clients import Client, connect
from side_by_side.world import World


@dataclass(frozen=True, slots=True)
class Lease:
    """A session that has been created: where to connect to, and what its adapter needs to end it."""

    url: str
    id: str = ""
    started: str = ""
    """How it came to be, where the peer says so: `cold`, `warm` …"""
    inner: Any = field(default=None, compare=False)


class Adapter(ABC):
    """One way to a browser. Owns its server, if it has one, from `open` to `close` (`async with`)."""

    name: ClassVar[str]
    title: ClassVar[str]
    note: ClassVar[str]
    """What stands between two of its sessions, and what it does not do: it goes under every table."""
    creates: ClassVar[bool] = True
    """Otherwise connecting is what starts a browser."""
    sleeps: ClassVar[bool] = False
    """And hibernate."""
    same_as: ClassVar[str | None] = None
    """The adapter whose sessions are the same once they are there."""
    is_remote: ClassVar[bool] = False
    """It runs elsewhere: no memory of it can be measured, and a network lies between."""

    def __init__(self, world: World) -> None:
        self.world = world

    @classmethod
    def missing(cls, world: World) -> str | None:
        """How to install what it needs; None when that is here."""
        return None

    async def open(self) -> None:
        """Start what has to run before a session can be created. Raises when it does not start."""
        return  # some have no server

    async def close(self) -> None:
        """Take back all of `open`, also after it failed."""
        return

    async def rest(self) -> None:
        """Wait until nothing that earlier sessions set going is under way, where it can be told."""
        return

    def version(self) -> str:
        return ""

    def url(self, path: str) -> str:
        """A page of the local web, as its browsers reach it."""
        return self.world.url(path)

    @abstractmethod
    async def create(self) -> Lease:
        """A session to connect to."""

    async def connect(self, lease: Lease) -> Client:
        return await connect(self.world, lease.url)

    @abstractmethod
    async def release(self, lease: Lease) -> None:
        """End the session, as far as the peer has the caller wait for it. Its client has closed already."""

    async def sleep(self, lease: Lease) -> None:
        """Put a session to sleep. One whose adapter does not say `sleeps` cannot be."""
        raise TypeError(f"sessions of {self.name} do not sleep")

    async def hibernate(self, lease: Lease) -> None:
        """Write a session's state down and free all that it takes. As for `sleep`."""
        raise TypeError(f"sessions of {self.name} do not hibernate")

    def processes(self) -> set[int]:
        """Everything of it that runs now: server, sandboxes, browsers."""
        return set()

    async def __aenter__(self) -> Self:
        try:
            await self.open()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
