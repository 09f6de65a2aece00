"""What adapters and scenarios share: the local web, the kind of client, where peers are installed."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from playwright.async_api import Playwright, async_playwright

from cloche.testing.web.server import LOOPBACK_ONLY, LocalWeb

ROOT: Final = Path(__file__).parents[2]
PEERS: Final = ROOT / ".cloche/peers"


@dataclass
class World:
    """Owns the local web and, once somebody asks for it, Playwright. `async with` around everything."""

    client: str = "cdp"
    """How browsers that speak DevTools are driven: `cdp`, our own few lines over a WebSocket, or `playwright`."""
    at_once: int = 10
    """The most sessions that will be wanted at once."""
    settings: dict[str, str] = field(default_factory=dict)
    """Of Cloche's daemon, by their lower-case names."""
    peers: Path = PEERS

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        self.web = await self._stack.enter_async_context(LocalWeb(LOOPBACK_ONLY))
        self._playwright: Playwright | None = None
        self._starting = asyncio.Lock()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    @property
    def host(self) -> str:
        """The local web, as `host:port`."""
        return f"127.0.0.1:{self.web.http_port}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    async def playwright(self) -> Playwright:
        async with self._starting:
            if self._playwright is None:
                self._playwright = await self._stack.enter_async_context(async_playwright())
        return self._playwright
