from cloche.agent.loop import Loop
from cloche.agent.machine.turns import Turns


def test_others_get_their_turns_while_long_work_goes_on() -> None:
    failures: list[BaseException] = []
    loop = Loop(lambda _, error: failures.append(error))
    order: list[str] = []

    async def long_work() -> None:
        turns = Turns(loop)
        for _ in range(1000):
            await turns.take()
        order.append("long")

    async def main() -> None:
        task = loop.spawn(long_work(), "long")
        for _ in range(4):
            await loop.sleep(0)
        order.append("other")
        await task.done.wait()

    loop.run(main())
    assert order == ["other", "long"]
    assert not failures
