from cloche.agent.loop import Loop
from cloche.agent.machine.archives.turns import Turns


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
