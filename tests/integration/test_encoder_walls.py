"""What the encoder child cannot reach: tried from behind its walls, by a program that is put in its place."""

import asyncio
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from cloche.live.encoder_argv import Builder, encoder_argv
from cloche.live.encoder_child import EncoderChild, Mode
from cloche.live.encoder_files import find_walls
from cloche.testing.encoder_child import PATIENCE_S, SETTINGS, gone, inner_pid

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
    assert set(said.values()) == {"2"}, said


@pytest.mark.promise("the-encoder-can-do-nothing-else")
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the attempts use this machine's numbers")
async def test_once_ready_it_can_open_connect_start_and_signal_nothing() -> None:
    said = await heard(BUILDERS[0], "shut")
    assert len(said) == 16
    assert set(said.values()) <= {"1", "13"}, said


@pytest.mark.parametrize("mode", Mode)
async def test_a_child_that_is_ready_is_nobody_filtered_and_limited(mode: Mode) -> None:
    child = await EncoderChild.start(SETTINGS, mode, max_file_bytes=1 << 20)
    pid = inner_pid(child.pid)
    try:
        inner = Path(f"/proc/{pid}")
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
        await gone(pid)
