"""The requests of this part of the machine API."""

import time
from collections.abc import Iterable
from typing import Final

from cloche.agent.journal import SOURCES
from cloche.agent.machine.api import Routes, Surroundings
from cloche.agent.machine.beneath import Places
from cloche.agent.machine.exchange import BEAT_S, Exchange
from cloche.agent.machine.logs.events import beginning, gap_event, line_event, timestamp
from cloche.agent.machine.logs.follower import REPLACED, FileLine, Follower, Told
from cloche.agent.machine.logs.log_file import Changed
from cloche.agent.machine.logs.position import Position, parse_position
from cloche.agent.machine.problem import Problem, invalid

MAX_STREAMS: Final = 32
"""At once in one session."""
MAX_TAIL: Final = 100_000

_PATH: Final = "path"
_WRITE_BYTES: Final = 64 * 1024
"""As many events as make this much are written at once."""
_LOOK_S: Final = 0.05
"""Between two looks at a file that grows."""
_REST_S: Final = 0.25
"""Between two looks at one that does not."""
_SLOWER: Final = 1.25


class LogApi:
    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        browser = surroundings.config.browser
        self._places = Places(surroundings.config.workspace, browser.user_data_dir if browser is not None else "")
        self._streams = 0

    def routes(self) -> Routes:
        return {"GET /logs/stream": self._stream}

    async def _stream(self, exchange: Exchange) -> None:
        source = exchange.query("source")
        if source not in (_PATH, *SOURCES):
            raise invalid(f"must be one of {', '.join((_PATH, *SOURCES))}", "source")
        if self._streams >= MAX_STREAMS:
            raise Problem(429, "busy", f"at most {MAX_STREAMS} log streams run at once in a session")
        self._streams += 1
        try:
            await (self._stream_file(exchange) if source == _PATH else self._stream_journal(exchange, source))
        finally:
            self._streams -= 1

    # --- a file -----------------------------------------------------------------------------------------------------

    async def _stream_file(self, exchange: Exchange) -> None:
        if not self._surroundings.config.machine:
            raise Problem(403, "machine_off", "this session was made without `machine`")
        follows, tail = exchange.query_flag("follow", True), _tail(exchange)
        position = _position(exchange)
        if not exchange.head.query.get("path"):
            raise invalid("is missing", "path")
        follower = Follower(self._places.locate(exchange.head.query["path"]), follows=follows)
        try:
            if position is not None:
                follower.resume(position)
            elif tail is None:
                follower.file.seek(follower.file.opened_bytes if follows else 0)
            await exchange.begin_events()
            if position is None and tail is not None:
                await self._seek_tail(follower, tail)
            if position is None and follows:
                await _write_all(exchange, [beginning(str(follower.file.position))])
            await self._tell_file(exchange, follower)
        finally:
            follower.close()
        await exchange.finish()

    async def _seek_tail(self, follower: Follower, count: int) -> None:
        try:
            for _ in follower.file.seek_tail(count):
                await self._surroundings.loop.sleep(0)
        except Changed:
            follower.file.seek(0)

    async def _tell_file(self, exchange: Exchange, follower: Follower) -> None:
        loop, told_at, pause_s = self._surroundings.loop, time.monotonic(), _LOOK_S
        while not follower.is_finished:
            told = follower.step(time.monotonic())
            if told:
                await _write_all(exchange, _events(told, timestamp(time.time())))
                told_at = time.monotonic()
            elif time.monotonic() - told_at >= BEAT_S:
                await exchange.send_beat()
                told_at = time.monotonic()
            pause_s = min(pause_s * _SLOWER, _REST_S) if follower.is_idle else _LOOK_S
            await loop.sleep(pause_s if follower.is_idle else 0)

    # --- what the agent knows ---------------------------------------------------------------------------------------

    async def _stream_journal(self, exchange: Exchange, source: str) -> None:
        if "path" in exchange.head.query:
            raise invalid("goes with source=path alone", "path")
        journal = self._surroundings.journal
        follows, tail = exchange.query_flag("follow", True), _tail(exchange)
        resumed = _number(exchange)
        number = resumed or 0
        if resumed is None and (follows or tail is not None):
            number = journal.tail(source, tail or 0)
        await exchange.begin_events()
        if resumed is None and follows:
            await _write_all(exchange, [beginning(str(number))])
        if number > journal.tail(source, 0):  # said by an agent that was there before this one
            await _write_all(exchange, [gap_event(reason=REPLACED)])
            number = 0
        await self._tell_journal(exchange, source, number, follows)
        await exchange.finish()

    async def _tell_journal(self, exchange: Exchange, source: str, number: int, follows: bool) -> None:
        journal = self._surroundings.journal
        while True:
            lines = journal.after(source, number)
            if lines:
                missed = lines[0].number - number - 1
                events = [gap_event(missed_lines=missed)] if missed else []
                events += [line_event(timestamp(line.at), line.text, str(line.number)) for line in lines]
                await _write_all(exchange, events)
                number = lines[-1].number
                continue
            if not follows:
                return
            try:
                await journal.changed(source).next(time.monotonic() + BEAT_S)
            except TimeoutError:
                await exchange.send_beat()


def _events(told: list[Told], time_: str) -> Iterable[str]:
    for item in told:
        if isinstance(item, FileLine):
            yield line_event(time_, item.text, item.id, is_partial=item.is_partial)
        else:
            yield gap_event(reason=item.reason)


async def _write_all(exchange: Exchange, events: Iterable[str]) -> None:
    joined, size = [], 0
    for event in events:
        joined.append(event)
        size += len(event)
        if size >= _WRITE_BYTES:
            await exchange.write("".join(joined).encode())
            joined, size = [], 0
    await exchange.write("".join(joined).encode())


def _tail(exchange: Exchange) -> int | None:
    return exchange.query_number("tail", high=MAX_TAIL)


def _after(exchange: Exchange) -> str:
    """What a reader was told last. The header is newer: who comes back of himself asks for the same address again."""
    return exchange.head.fields.get("last-event-id") or exchange.query("after", "")


def _position(exchange: Exchange) -> Position | None:
    text = _after(exchange)
    position = parse_position(text)
    if text and position is None:
        raise invalid("is no id of this stream", "after")
    return position


def _number(exchange: Exchange) -> int | None:
    text = _after(exchange)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise invalid("is no id of this stream", "after")
    return int(text)
