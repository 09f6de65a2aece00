"""The encoder child as the process it is: what it makes, and how it ends."""

import asyncio
import os
import signal
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from cloche.concurrency.tasks import spawn
from cloche.errors import InternalError, StartError
from cloche.live import encoder_child
from cloche.live.encoder import confinement, wire
from cloche.live.encoder_child import EncoderChild, Mode, why_ended
from cloche.live.encoder_process import EncoderProcess
from cloche.live.model import Chunk, Codec, Demand, Picture
from cloche.testing.encoder_child import NO_KEYS, PATIENCE_S, RATE, SETTINGS, Session, demand, encoding, inner_pid
from cloche.testing.jpegs import Watcher, moving, quarters, shows_quarters

GOOD = quarters(320, 240)


async def test_all_codecs_show_the_picture_that_was_handed_over() -> None:
    async with encoding() as session:
        asked = (Codec.H264, Codec.VP8, Codec.JPEG)
        chunks = await session.encode(quarters(320, 240), demand(*asked))
        assert [chunk.codec for chunk in chunks] == list(asked)
        for chunk, name in zip(chunks, ("h264", "vp8", "mjpeg"), strict=True):
            frame = Watcher(name).see(chunk.data)  # type: ignore[arg-type]
            assert (frame.width, frame.height) == (chunk.width, chunk.height)
            assert shows_quarters(frame)
            assert chunk.is_key
            assert (chunk.seq, chunk.taken_at_ms) == (1, 1_800_000_000_040)


@pytest.mark.parametrize("codec", [Codec.H264, Codec.VP8])
async def test_key_frames_come_when_asked_for_the_size_changes_and_else_never(codec: Codec) -> None:
    async with encoding() as session:
        keys = []
        for step in range(30):
            size = (320, 240) if step < 20 else (400, 300)
            [chunk] = await session.encode(
                moving(*size, step), demand(codec), frozenset({codec}) if step == 9 else NO_KEYS
            )
            assert (chunk.width, chunk.height) == size
            keys += [step] if chunk.is_key else []
        assert keys == [0, 9, 20]


@pytest.mark.parametrize("codec", [Codec.H264, Codec.VP8])
async def test_the_rate_is_kept(codec: Codec) -> None:
    async with encoding() as session:
        for step in range(150):
            await session.encode(moving(320, 240, step), demand(codec))
        rate = sum(len(chunk.data) for chunk in session.chunks) * 8 / (150 * 0.04)
        assert abs(rate / RATE - 1) < 0.2


async def test_chromiums_own_bytes_are_passed_on_beside_video() -> None:
    async with encoding() as session:
        jpeg = quarters(320, 240)
        chunks = await session.encode(jpeg, {Codec.VP8: Demand(RATE), Codec.JPEG: Demand(0)})
        assert {chunk.codec for chunk in chunks} == {Codec.VP8, Codec.JPEG}
        [passed] = [chunk for chunk in chunks if chunk.codec is Codec.JPEG]
        assert passed == Chunk(Codec.JPEG, 1, jpeg, True, 1_800_000_000_040, 0, 0)
        [alone] = await session.encode(jpeg, {Codec.JPEG: Demand(0)})
        assert alone.data is jpeg


async def test_no_event_comes_from_within_encode() -> None:
    async with encoding() as session:
        for jpeg in (bytes(wire.MAX_PICTURE_BYTES + 1), quarters(320, 240)):
            done = session.hand_over(jpeg, {Codec.JPEG: Demand(0)})
            assert not session.chunks
            assert not done.done()
            async with asyncio.timeout(PATIENCE_S):
                await done
            session.chunks.clear()


async def test_two_pictures_at_once_are_a_mistake_of_ours() -> None:
    async with encoding() as session:
        done = session.hand_over(quarters(320, 240), demand(Codec.VP8))
        with pytest.raises(InternalError):
            session.encoder.encode(Picture(2, b"", 0, 1, 1), demand(Codec.VP8), NO_KEYS)
        async with asyncio.timeout(PATIENCE_S):
            await done


async def test_a_picture_larger_than_the_socket_takes_at_once_arrives_whole() -> None:
    async with encoding() as session:
        jpeg = quarters(320, 240)
        # What follows the end of a picture is nobody's business.
        [chunk] = await session.encode(jpeg + bytes(8 << 20), demand(Codec.H264))
        assert shows_quarters(Watcher("h264").see(chunk.data))


async def test_several_threads_work_behind_the_same_walls() -> None:
    async with encoding(replace(SETTINGS, threads=2)) as session:
        for step in range(3):
            assert len(await session.encode(moving(640, 480, step), demand(Codec.H264, Codec.VP8))) == 2


async def test_a_machine_without_bubblewrap_gets_no_encoder() -> None:
    with pytest.raises(StartError) as caught:
        async with encoding(replace(SETTINGS, bwrap="bwrap-that-is-not-there")):
            pass
    assert caught.value.reason == "encoder_not_confined"


async def test_walls_that_cannot_be_put_up_give_no_encoder(tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: no permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(StartError) as caught:
        async with encoding(replace(SETTINGS, bwrap=str(broken))):
            pass
    assert caught.value.reason == "encoder_not_confined"


async def test_a_child_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    slow = tmp_path / "bwrap"
    slow.write_text("#!/bin/sh\nexec sleep 600\n")
    slow.chmod(0o755)
    with pytest.raises(StartError) as caught:
        async with encoding(replace(SETTINGS, bwrap=str(slow), start_timeout_s=0.2)):
            pass
    assert caught.value.reason == "encoder_slow"


async def test_a_start_that_is_given_up_leaves_nothing() -> None:
    for turns in (1, 5):
        starting = spawn(EncoderChild.start(SETTINGS, Mode.PICTURES), name="start")
        for _ in range(turns):
            await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting


@pytest.mark.parametrize("who", ["walls", "child"])
async def test_a_killed_child_is_told_once_and_reaped(who: str) -> None:
    async with encoding() as session:
        await session.encode(GOOD, demand(Codec.VP8))
        pid = session.encoder.pid
        os.kill(pid if who == "walls" else inner_pid(pid), signal.SIGKILL)
        assert await session.why() == "killed"
        assert not Path(f"/proc/{pid}").exists()
        # Nobody waits for what is handed over now; nothing is raised either.
        session.encoder.encode(Picture(9, GOOD, 0, 1, 1), demand(Codec.VP8), NO_KEYS)


async def test_a_child_that_hangs_ends_with_its_walls() -> None:
    async with encoding() as session:
        os.kill(inner_pid(session.encoder.pid), signal.SIGSTOP)
        os.kill(session.encoder.pid, signal.SIGKILL)
        assert await session.why() == "killed"


async def test_a_fault_in_a_codec_is_told() -> None:
    async with encoding() as session:
        os.kill(inner_pid(session.encoder.pid), signal.SIGSEGV)
        assert await session.why() == "crashed"


async def test_a_child_that_is_told_nonsense_ends() -> None:
    async with encoding() as session:
        # It trusts the daemon no more than the daemon trusts it, and falls over what it does not understand.
        session.encoder._child.socket.send(b"\xff" * 8)
        assert await session.why() == "crashed"
        # Why it fell is for the log, of which it can fill no more than a line.
        said = session.encoder._child.errors()
        assert "WireError" in said and len(said) <= 2000


async def test_a_child_that_hangs_is_ended_and_told() -> None:
    async with encoding(replace(SETTINGS, picture_timeout_s=0.3)) as session:
        os.kill(inner_pid(session.encoder.pid), signal.SIGSTOP)
        done = session.hand_over(GOOD, demand(Codec.VP8))
        assert await session.why() == "hung"
        assert not done.done()


async def test_a_hanging_child_does_not_hold_up_its_close() -> None:
    async with encoding() as session:
        os.kill(inner_pid(session.encoder.pid), signal.SIGSTOP)
        session.hand_over(bytes(wire.MAX_PICTURE_BYTES), demand(Codec.VP8))
        async with asyncio.timeout(PATIENCE_S):
            await session.encoder.close()
        assert not session.ended.done()


class Impostor(EncoderChild):
    """A child whose other end the test holds."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.is_ended = False

    async def end(self, *, at_once: bool = False) -> int:
        self.socket.close()
        self.is_ended = True
        return 0

    def errors(self) -> str:
        return ""


def chunk(seq: int, codec: wire.CodecId = wire.CodecId.VP8) -> bytes:
    return wire.chunk_message(seq, codec, is_key=True, width=2, height=2, data=b"x")


@pytest.mark.parametrize(
    "said",
    [
        b"\0" * 8,
        b"HTTP/1.1 200 OK\r\n\r\n",
        wire.HEAD.pack(wire.Kind.CHUNK, 0, 0, 0xFFFFFFFF),
        wire.HEAD.pack(wire.Kind.CHUNK, 0, 0, 3) + b"abc",
        wire.ready_message(),
        wire.picture_message(1, 1, (), 0),
        chunk(2),
        chunk(1, wire.CodecId.H264),
        chunk(1) + chunk(1),
        wire.done_message(2),
        wire.done_message(1) + chunk(1),
        wire.done_message(1) + wire.done_message(1),
    ],
    ids=[
        *("zeros", "text", "endless", "short", "ready twice", "a picture", "another picture's chunk"),
        *("another codec's chunk", "two chunks", "done with another", "a chunk too late", "done twice"),
    ],
)
async def test_a_child_that_says_what_it_may_not_is_ended(said: bytes) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs:
        session, child = Session(), Impostor(ours)
        session.encoder = EncoderProcess(child, SETTINGS, session.events())
        session.hand_over(GOOD, demand(Codec.VP8))
        theirs.sendall(said)
        assert await session.why() == "protocol"
        assert child.is_ended
        await session.encoder.close()


async def test_a_child_that_speaks_unasked_is_ended() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs:
        session = Session()
        session.encoder = EncoderProcess(Impostor(ours), SETTINGS, session.events())
        theirs.sendall(chunk(1))
        assert await session.why() == "protocol"


async def test_close_ends_it_any_number_of_times_and_tells_nothing() -> None:
    async with encoding() as session:
        pid = session.encoder.pid
        session.hand_over(GOOD, demand(Codec.VP8))
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(session.encoder.close(), session.encoder.close())
        await session.encoder.close()
        assert not Path(f"/proc/{pid}").exists()
        assert not session.chunks
        assert not session.ended.done()


async def test_twenty_lives_leave_no_descriptor() -> None:
    async with encoding() as session:
        await session.encode(GOOD, demand(Codec.VP8))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        async with encoding() as session:
            await session.encode(GOOD, demand(Codec.VP8))
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("code", "why"), [(-9, "killed"), (137, "killed"), (139, "crashed"), (1, "crashed"), (0, "crashed")]
)
def test_exit_codes_have_reasons(code: int, why: str) -> None:
    assert why_ended(code) == why


def test_a_child_that_cannot_be_filtered_says_so_by_its_exit_code() -> None:
    assert confinement.NOT_CONFINED == encoder_child._EXIT_NOT_CONFINED
