import os
import time
from collections.abc import Awaitable, Callable

import pytest

from cloche.agent.loop import Loop
from cloche.agent.machine.process.stdin import Stdin

PATIENCE_S = 5.0


class Pipe:
    def __init__(self, loop: Loop, *, is_terminal: bool = False) -> None:
        self.loop = loop
        self.reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.stdin = Stdin(loop, writing, is_terminal=is_terminal)

    def read(self) -> bytes:
        return os.read(self.reading, 1 << 20)

    def close(self) -> None:
        self.stdin.close()
        os.close(self.reading)


def run(scenario: Callable[[Pipe], Awaitable[None]], *, is_terminal: bool = False) -> None:
    failures: list[object] = []
    loop = Loop(lambda *failure: failures.append(failure))

    async def main() -> None:
        pipe = Pipe(loop, is_terminal=is_terminal)
        try:
            await scenario(pipe)
        finally:
            pipe.close()

    loop.run(main())
    assert not failures


def soon() -> float:
    return time.monotonic() + PATIENCE_S


def test_what_fits_is_taken_at_once_and_nothing_is_as_good_as_that() -> None:
    async def scenario(pipe: Pipe) -> None:
        assert await pipe.stdin.write(b"abc", soon()) == 3
        assert await pipe.stdin.write(b"", soon()) == 0
        assert pipe.read() == b"abc"

    run(scenario)


def test_what_does_not_fit_in_time_is_told_to_the_byte() -> None:
    async def scenario(pipe: Pipe) -> None:
        data = os.urandom(300_000)
        taken = await pipe.stdin.write(data, time.monotonic() + 0.02)
        assert 0 < taken < len(data)
        assert pipe.read() == data[:taken]
        assert await pipe.stdin.write(data[taken:], time.monotonic()) > 0

    run(scenario)


def test_writers_take_turns_and_do_not_mix() -> None:
    async def scenario(pipe: Pipe) -> None:
        written: list[int] = []

        async def write(letter: bytes) -> None:
            written.append(await pipe.stdin.write(letter * 200_000, soon()))

        tasks = [pipe.loop.spawn(write(letter), "writer") for letter in (b"a", b"b", b"c")]
        text = b""
        while len(text) < 600_000:
            await pipe.loop.readable(pipe.reading, soon())
            text += pipe.read()
        for task in tasks:
            await task.done.wait(soon())
        assert sorted(text[::200_000]) == sorted(b"abc")
        assert all(len(set(text[at : at + 200_000])) == 1 for at in (0, 200_000, 400_000))
        assert written == [200_000] * 3

    run(scenario)


def test_who_waits_for_his_turn_gives_up_when_his_time_is_over() -> None:
    async def scenario(pipe: Pipe) -> None:
        first = pipe.loop.spawn(fill(pipe), "writer")
        await pipe.loop.sleep(0.02)
        assert await pipe.stdin.write(b"x", time.monotonic() + 0.02) == 0
        await pipe.loop.stop(first)

    async def fill(pipe: Pipe) -> None:
        await pipe.stdin.write(bytes(1_000_000), None)

    run(scenario)


def test_when_nobody_reads_any_more_it_is_broken() -> None:
    async def scenario(pipe: Pipe) -> None:
        os.close(pipe.reading)
        with pytest.raises(BrokenPipeError):
            await pipe.stdin.write(b"x", soon())
        pipe.reading = os.open(os.devnull, os.O_RDONLY)

    run(scenario)


def test_its_end_is_seen_and_it_is_closed_from_then_on() -> None:
    async def scenario(pipe: Pipe) -> None:
        await pipe.stdin.end(soon())
        assert pipe.read() == b""
        assert not pipe.stdin.is_open
        for late in (pipe.stdin.write(b"x", soon()), pipe.stdin.end(soon())):
            with pytest.raises(BrokenPipeError):
                await late

    run(scenario)


def test_on_a_terminal_the_end_is_a_character_and_more_may_come() -> None:
    async def scenario(pipe: Pipe) -> None:
        await pipe.stdin.end(soon())
        await pipe.stdin.write(b"more", soon())
        assert pipe.read() == b"\x04more"

    run(scenario, is_terminal=True)


def test_closing_it_while_somebody_writes_waits_for_him_and_stops_him() -> None:
    async def scenario(pipe: Pipe) -> None:
        ends: list[str] = []

        async def write() -> None:
            try:
                await pipe.stdin.write(bytes(1_000_000), soon())
            except BrokenPipeError:
                ends.append("broken")

        writer = pipe.loop.spawn(write(), "writer")
        await pipe.loop.sleep(0.02)
        pipe.stdin.close()
        assert not pipe.stdin.is_open
        while pipe.read():
            await pipe.loop.readable(pipe.reading, soon())
        await writer.done.wait(soon())
        assert ends == ["broken"]

    run(scenario)


def test_feeding_writes_everything_and_ends_it() -> None:
    async def scenario(pipe: Pipe) -> None:
        feeding = pipe.loop.spawn(pipe.stdin.feed(b"x" * 300_000), "feeding")
        text = b""
        while True:
            await pipe.loop.readable(pipe.reading, soon())
            if not (data := pipe.read()):
                break
            text += data
        await feeding.done.wait(soon())
        assert text == b"x" * 300_000

    run(scenario)
