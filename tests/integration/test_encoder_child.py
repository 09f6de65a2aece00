"""The encoder child as the process it is: what it makes, what it cannot reach, and how it ends."""

import asyncio
import os
import signal
import socket
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cloche.concurrency.tasks import spawn
from cloche.errors import InternalError, StartError
from cloche.live import encoder_child
from cloche.live.encoder import wire
from cloche.live.encoder_argv import Builder, encoder_argv
from cloche.live.encoder_child import EncoderChild, EncoderSettings, Mode, why_ended
from cloche.live.encoder_files import find_walls
from cloche.live.encoder_process import EncoderProcess, EncoderStarter
from cloche.live.encoding import EncoderEvents
from cloche.live.model import Chunk, Codec, Demand, Picture
from cloche.testing.jpegs import Watcher, moving, quarters, shows_quarters

SETTINGS = EncoderSettings(start_timeout_s=30, picture_timeout_s=30)
PATIENCE_S = 30.0
RATE = 600_000
NO_KEYS: frozenset[Codec] = frozenset()


class Session:
    """An encoder and what it told."""

    def __init__(self) -> None:
        self.encoder: EncoderProcess
        self.chunks: list[Chunk] = []
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._done: dict[int, asyncio.Future[None]] = {}
        self._seq = 0

    def events(self) -> EncoderEvents:
        return EncoderEvents(
            self.chunks.append, lambda seq: self._done[seq].set_result(None), lambda why: self.ended.set_result(why)
        )

    def hand_over(
        self, jpeg: bytes, demands: Mapping[Codec, Demand], keys: frozenset[Codec] = NO_KEYS
    ) -> asyncio.Future[None]:
        self._seq += 1
        done = self._done[self._seq] = asyncio.get_running_loop().create_future()
        self.encoder.encode(Picture(self._seq, jpeg, 1_800_000_000_000 + 40 * self._seq, 320, 240), demands, keys)
        return done

    async def encode(
        self, jpeg: bytes, demands: Mapping[Codec, Demand], keys: frozenset[Codec] = NO_KEYS
    ) -> Sequence[Chunk]:
        before = len(self.chunks)
        async with asyncio.timeout(PATIENCE_S):
            await self.hand_over(jpeg, demands, keys)
        return self.chunks[before:]

    async def why(self) -> str:
        async with asyncio.timeout(PATIENCE_S):
            return await self.ended


@asynccontextmanager
async def encoding(settings: EncoderSettings = SETTINGS) -> AsyncIterator[Session]:
    session = Session()
    session.encoder = await EncoderStarter(settings)(session.events())
    inner = inner_pid(session.encoder.pid)
    try:
        yield session
    finally:
        await session.encoder.close()
        await gone(inner)


async def gone(pid: int) -> None:
    """It has a network namespace of its own, in which the check for what a test leaves behind does not look."""
    async with asyncio.timeout(PATIENCE_S):
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.01)


def demand(*codecs: Codec) -> dict[Codec, Demand]:
    return {codec: Demand(RATE, quality=60, scale=0.5) for codec in codecs}


def inner_pid(pid: int) -> int:
    """The child inside the walls: bubblewrap's own first process in there has it for its child."""
    for _ in range(2):
        [child] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        pid = int(child)
    return pid


# What it makes


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


# What a stranger may send

GOOD = quarters(320, 240)


def declared(width: int, height: int) -> bytes:
    at = GOOD.index(b"\xff\xc0") + 5
    return GOOD[:at] + struct.pack(">HH", height, width) + GOOD[at + 4 :]


def with_marker(marker: int) -> bytes:
    return GOOD.replace(b"\xff\xc0", bytes((0xFF, marker)), 1)


def four_components() -> bytes:
    """As a CMYK picture says it."""
    at = GOOD.index(b"\xff\xc0")
    return GOOD[:at] + struct.pack(">BBHBHHB", 0xFF, 0xC0, 20, 8, 240, 320, 4) + bytes(12) + GOOD[at + 19 :]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"<html>not a picture</html>",
        bytes(200_000),
        b"\xff" * 200_000,
        GOOD[: len(GOOD) // 2],
        declared(65_500, 65_500),
        declared(4097, 4096),
        declared(4096, 4096),
        declared(1, 1),
        with_marker(0xC2),
        with_marker(0xC3),
        with_marker(0xC9),
        four_components(),
        GOOD[:600] + os.urandom(3000),
        bytes(wire.MAX_PICTURE_BYTES + 1),
    ],
    ids=[
        *("empty", "start only", "text", "zeros", "fill bytes", "truncated", "bomb", "too wide", "as large as may be"),
        *("says 1x1", "says progressive", "lossless", "arithmetic", "cmyk", "noise", "too long"),
    ],
)
async def test_a_bad_picture_is_dealt_with_and_the_next_is_encoded(data: bytes) -> None:
    async with encoding() as session:
        await session.encode(data, demand(Codec.H264, Codec.VP8))
        chunks = await session.encode(GOOD, demand(Codec.H264, Codec.VP8), frozenset({Codec.H264, Codec.VP8}))
        assert shows_quarters(Watcher("h264").see(chunks[0].data))
        assert shows_quarters(Watcher("vp8").see(chunks[1].data))


@pytest.mark.parametrize("pixel_format", ["yuvj444p", "yuvj422p"])
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (321, 241), (1, 900), (2500, 10)])
async def test_odd_pictures_are_encoded(pixel_format: str, size: tuple[int, int]) -> None:
    async with encoding() as session:
        chunks = await session.encode(quarters(*size, pixel_format), demand(Codec.H264, Codec.VP8, Codec.JPEG))
        assert len(chunks) == 3
        for chunk, name in zip(chunks, ("h264", "vp8", "mjpeg"), strict=True):
            frame = Watcher(name).see(chunk.data)  # type: ignore[arg-type]
            assert (frame.width, frame.height) == (chunk.width, chunk.height)


# What it cannot reach

_TRY = """
import ctypes, os, socket, sys
sys.path += ["/code", "/site"]
from cloche.live.encoder import confinement
sock = socket.socket(fileno=int(sys.argv[1]))
said = []
def attempt(name, function):
    try:
        function()
        said.append(name + "=did")
    except OSError as error:
        said.append(name + "=" + str(error.errno))
import mmap, signal, threading
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
if sys.argv[2] == "open":
    said.append("uid=" + str(os.getuid()))
    attempt("write", lambda: open("/python/x", "w"))
    attempt("write_root", lambda: open("/x", "w"))
    attempt("tmp", lambda: open("/tmp/x", "w"))
    attempt("proc", lambda: os.listdir("/proc"))
    attempt("passwd", lambda: open("/etc/passwd"))
    attempt("host", lambda: os.listdir("/root"))
    attempt("home", lambda: os.listdir("/home"))
    said.append("top=" + ",".join(sorted(os.listdir("/"))))
    said.append("env=" + ",".join(sorted(os.environ)))
    attempt("kill_parent", lambda: os.kill(os.getppid() or 2, 0))
    s = socket.socket(); s.settimeout(1)
    attempt("connect", lambda: s.connect(("10.255.255.1", 80)))
    attempt("setuid", lambda: os.setuid(0))
    attempt("mount", lambda: call(165, b"none", b"/site", b"tmpfs", 0, None))
else:
    confinement.limit(1 << 30)
    confinement.shut(threads=False)
    attempt("open", lambda: open("/python/bin/python3.11"))
    attempt("stat", lambda: os.stat("/"))
    attempt("socket", lambda: socket.socket())
    attempt("pair", lambda: socket.socketpair())
    attempt("exec", lambda: os.execv("/python/bin/python3.11", ["python3.11"]))
    attempt("fork", os.fork)
    attempt("kill", lambda: os.kill(1, 9))
    attempt("pipe", os.pipe)
    attempt("dup", lambda: os.dup(0))
    attempt("chdir", lambda: os.chdir("/site"))
    attempt("memfd", lambda: os.memfd_create("x"))
    attempt("ptrace", lambda: call(101, 0, 0, 0, 0))
    attempt("unshare", lambda: call(272, 0x10000000))
    attempt("limits", lambda: call(302, 0, 9, 0, 0))
    attempt("code", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC))
    try:
        threading.Thread(target=print).start()
        said.append("thread=did")
    except RuntimeError:
        said.append("thread=1")
sock.sendall("\\n".join(said).encode())
"""


async def heard(builder: Builder, mode: str) -> dict[str, str]:
    """What a program behind the walls tells of its attempts."""
    walls = replace(await asyncio.to_thread(find_walls, "bwrap"), builder=builder)
    ours, theirs = socket.socketpair()
    process = await asyncio.create_subprocess_exec(
        *encoder_argv(walls, [str(theirs.fileno()), mode], program=_TRY),
        pass_fds=(theirs.fileno(),),
        env={"SECRET": "x"},
        stdin=asyncio.subprocess.DEVNULL,
    )
    theirs.close()
    ours.setblocking(False)
    try:
        async with asyncio.timeout(PATIENCE_S):
            said = await asyncio.get_running_loop().sock_recv(ours, 1 << 16)
            await process.wait()
    finally:
        ours.close()
    return dict(line.split("=", 1) for line in said.decode().splitlines())


BUILDERS = [find_walls("bwrap").builder, Builder.USER]


@pytest.mark.parametrize("builder", sorted(set(BUILDERS)))
async def test_behind_the_walls_there_is_nothing_to_write_to_to_talk_to_or_to_read(builder: Builder) -> None:
    said = await heard(builder, "open")
    assert said.pop("uid") == "65534"
    assert set(said.pop("top").split(",")) <= {"bin", "code", "etc", "lib", "lib64", "python", "site", "usr"}
    assert set(said.pop("env").split(",")) <= {"LANG", "LC_CTYPE", "LD_LIBRARY_PATH", "PWD"}
    assert said.pop("write_root") in ("13", "30")
    assert said.pop("write") in ("13", "30")
    assert said.pop("connect") == "101", "there is a network"
    assert said.pop("setuid") in ("1", "22")
    assert said.pop("mount") in ("1", "13")
    assert said.pop("kill_parent") in ("3",)
    assert set(said.values()) == {"2"}, said


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the attempts use this machine's numbers")
async def test_once_ready_it_can_open_connect_start_and_signal_nothing() -> None:
    said = await heard(BUILDERS[0], "shut")
    assert len(said) == 16
    assert set(said.values()) <= {"1", "13"}, said


@pytest.mark.parametrize("mode", Mode)
async def test_a_child_that_is_ready_is_nobody_filtered_and_limited(mode: Mode) -> None:
    child = await EncoderChild.start(SETTINGS, mode, max_file_bytes=1 << 20)
    try:
        inner = Path(f"/proc/{inner_pid(child.pid)}")
        status = dict(line.split(":", 1) for line in (inner / "status").read_text().splitlines())
        assert status["Seccomp"].strip() == "2"
        assert status["NoNewPrivs"].strip() == "1"
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapAmb"], 16) == 0
        assert status["Threads"].strip() == "1"
        if os.geteuid() == 0 and BUILDERS[0] is Builder.ROOT:
            assert set(status["Uid"].split()) == {"65534"}
            assert status["Groups"].split() in ([], ["65534"])
        limits = (inner / "limits").read_text()
        for name, most in (
            ("Max address space", SETTINGS.memory_bytes),
            ("Max core file size", 0),
            ("Max open files", 64),
            ("Max file size", (1 << 20)),
        ):
            [line] = [line for line in limits.splitlines() if line.startswith(name)]
            assert line.removeprefix(name).split()[:2] == [str(most)] * 2
        # Standard streams, the socket, a recording's file.
        assert len(list((inner / "fd").iterdir())) <= 5
    finally:
        await child.end()


# How it ends


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


async def test_a_child_that_hangs_is_ended_and_told() -> None:
    async with encoding(replace(SETTINGS, picture_timeout_s=0.3)) as session:
        await session.encode(GOOD, demand(Codec.VP8))
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
    from cloche.live.encoder import confinement

    assert confinement.NOT_CONFINED == encoder_child._EXIT_NOT_CONFINED
