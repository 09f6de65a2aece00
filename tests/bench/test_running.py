import asyncio
import signal
from collections.abc import Iterator

import pytest

import running


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["foreground", "background"])
def start(request: pytest.FixtureRequest) -> Iterator[None]:
    """As a shell starts programs: in the background of a script with interrupts ignored."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


def test_what_it_returns_comes_back_and_the_signal_is_as_it_was() -> None:
    before = signal.getsignal(signal.SIGTERM)

    async def seven() -> int:
        return 7

    assert running.run(seven()) == 7
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.usefixtures("start")
def test_told_to_end_it_takes_back_what_it_began() -> None:
    taken_back = []

    async def begun() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            taken_back.append(True)

    with pytest.raises(KeyboardInterrupt):
        running.run(begun())
    assert taken_back


def test_sixty_requests_are_under_way_at_once() -> None:
    async def all_at_once() -> int:
        inside, everyone = 0, asyncio.Event()
        loop = asyncio.get_running_loop()

        def came() -> None:
            nonlocal inside
            inside += 1
            if inside == 60:
                everyone.set()

        def wait() -> None:
            loop.call_soon_threadsafe(came)
            asyncio.run_coroutine_threadsafe(everyone.wait(), loop).result(5)

        await asyncio.gather(*(asyncio.to_thread(wait) for _ in range(60)))
        return inside

    assert running.run(all_at_once()) == 60
