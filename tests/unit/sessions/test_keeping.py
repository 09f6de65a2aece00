import pytest

from cloche.errors import StartError
from cloche.sessions.keeping import Keeping, Kept


class Part(Kept):
    """Writes down what it is asked; `fails` names what it cannot do."""

    def __init__(self, name: str, told: list[str], *fails: str) -> None:
        self._name, self._told, self._fails = name, told, fails

    def _note(self, what: str) -> None:
        self._told.append(f"{self._name} {what}")
        if what in self._fails:
            raise StartError("not so", reason="not_so")

    def prepare(self) -> None:
        self._note("prepare")

    async def furnish(self) -> None:
        self._note("furnish")

    async def begin(self) -> None:
        self._note("begin")

    def browser_came(self) -> None:
        self._note("came")

    def browser_went(self) -> None:
        self._note("went")

    async def save(self, reason: str) -> None:
        self._note(f"save {reason}")

    async def close(self) -> None:
        self._note("close")


async def test_parts_begin_in_order_and_end_in_the_opposite_one() -> None:
    told: list[str] = []
    keeping = Keeping([Part("a", told), Part("b", told)])
    keeping.prepare()
    await keeping.furnish()
    await keeping.begin()
    keeping.browser_went()
    keeping.browser_came()
    await keeping.save("closed_by_user")
    await keeping.close()
    up = [f"{part} {what}" for what in ("prepare", "furnish", "begin", "went", "came") for part in "ab"]
    assert told == [*up, "b save closed_by_user", "a save closed_by_user", "b close", "a close"]


async def test_what_one_part_cannot_do_stops_a_start_and_no_end() -> None:
    told: list[str] = []
    keeping = Keeping([Part("a", told, "furnish"), Part("b", told, "save idle_timeout", "close")])
    with pytest.raises(StartError):
        await keeping.furnish()
    await keeping.save("idle_timeout")
    await keeping.close()
    assert told == ["a furnish", "b save idle_timeout", "a save idle_timeout", "b close", "a close"]


async def test_a_session_of_which_nothing_is_kept_has_no_parts() -> None:
    keeping = Keeping()
    await keeping.furnish()
    await keeping.save("closed_by_user")
    await keeping.close()
