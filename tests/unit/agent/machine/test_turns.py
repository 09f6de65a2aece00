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
        for _ in range(2):
            await loop.sleep(0)
        order.append("other")
        await task.done.wait()

    loop.run(main())
    assert order == ["other", "long"]
    assert not failures


def test_a_turn_is_due_after_so_many_bytes_and_given_to_the_others() -> None:
    loop = Loop(lambda name, error: None)
    order: list[str] = []

    async def other() -> None:
        order.append("other")

    async def main() -> None:
        turns = Turns(loop)
        loop.spawn(other(), "other")
        assert not turns.due(100_000)
        assert turns.due(500_000)
        order.append("work")
        await turns.give()
        order.append("work again")
        assert not turns.due(1)

    loop.run(main())
    assert order == ["work", "other", "work again"]
