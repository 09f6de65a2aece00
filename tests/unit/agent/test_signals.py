import os
import signal

from cloche.agent.loop import Event, Loop
from cloche.agent.signals import watch_signals


def test_signals_are_told_in_order_and_only_those_that_are_wanted() -> None:
    failures: list[object] = []
    loop = Loop(lambda *failure: failures.append(failure))
    before = [signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)]
    told: list[int] = []

    async def main() -> None:
        came = Event(loop)

        def take(number: int) -> None:
            told.append(number)
            came.pulse()

        watching = loop.spawn(watch_signals(loop, (signal.SIGUSR1, signal.SIGUSR2), take), "signals")
        await loop.sleep(0)
        for number in (signal.SIGUSR2, signal.SIGUSR1, signal.SIGUSR1):
            os.kill(os.getpid(), number)
            await came.next()
        await loop.stop(watching)

    loop.run(main())
    assert not failures
    assert told == [signal.SIGUSR2, signal.SIGUSR1, signal.SIGUSR1]
    assert [signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)] == before
