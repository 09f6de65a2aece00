"""The floor: Chromium started by the client itself."""

from processes import tree
from raw_chromium import RawChromium
from side_by_side.adapters.adapter import Adapter, Lease


class Raw(Adapter):
    name = "raw"
    title = "raw Chromium"
    note = (
        "a bare `chromium-headless-shell` that the client launches, under an unprivileged uid with its own "
        "sandbox on: no server, no proxy, no wall around it, the host's network"
    )

    async def open(self) -> None:
        self._live = set[RawChromium]()

    async def close(self) -> None:
        for browser in list(self._live):
            await self._stop(browser)

    async def create(self) -> Lease:
        browser = RawChromium()
        self._live.add(browser)
        await browser.start()
        return Lease(browser.websocket_url, inner=browser)

    async def release(self, lease: Lease) -> None:
        await self._stop(lease.inner)

    def processes(self) -> set[int]:
        return set().union(*(tree(browser.process.pid) for browser in self._live if browser.process))

    async def _stop(self, browser: RawChromium) -> None:
        self._live.discard(browser)
        if browser.process is not None:
            await browser.stop()
