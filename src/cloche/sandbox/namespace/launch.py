"""Spawn bubblewrap and shake hands with it, so that limits are in force before anything of ours runs inside.

    daemon                              bubblewrap (outer) ── clone ──► init of the sandbox ── fork ──► agent
      │ spawn ────────────────────────────►│                             │ mounts …
      │ move it into the control group ───►│                             │
      │◄──────── info-fd: the init's pid ──┤                             │
      │ the init too, if it was made before the move ────────────────────►
      │ one byte on block-fd ────────────────────────────────────────────► exec the agent

Moving a process into a control group waits for the kernel's RCU and takes 5–10 ms; here that goes on while bubblewrap
makes its namespaces and mounts. Two details of the block pipe:
- The sandbox's end is opened for reading and writing, so it never sees an end of file. With a plain pipe a daemon
  that is killed at this moment would let the sandbox run on without limits; so it waits, and recovery removes it.
- The pipe is in packet mode with room for one packet (pipe(2), O_DIRECT), so that it becomes writable again when
  bubblewrap has taken the byte: then all mounts are made, and `start` can say so.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cloche.process.output import SealedOutput
from cloche.process.readiness import wait_readable, wait_writable
from cloche.process.spawn import Child, spawn

_ONE_SLOT: Final = 4096
_MAX_INFO_BYTES: Final = 4096


@dataclass(slots=True)
class Launch:
    """A spawned bubblewrap that waits to be let go. Owns the two pipe ends; `close` gives them up."""

    child: Child
    output: SealedOutput
    info_fd: int
    block_fd: int

    async def child_pid(self, timeout_s: float) -> int | None:
        """The pid of the sandbox's init; None when bubblewrap died or said nothing in time."""
        data = b""
        while len(data) < _MAX_INFO_BYTES and await wait_readable(self.info_fd, timeout_s):
            piece = os.read(self.info_fd, _MAX_INFO_BYTES)
            data += piece
            if not piece:
                break
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return int(json.loads(data)["child-pid"])
        return None

    async def release(self, timeout_s: float) -> bool:
        """Let the sandbox run; False when bubblewrap did not finish its set-up in time."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self.block_fd, b"1")
        return await wait_writable(self.block_fd, timeout_s)

    def close(self) -> None:
        for fd in (self.info_fd, self.block_fd):
            os.close(fd)


def launch(argv: Callable[[int, int, int], Sequence[str]], config: bytes, inherited: Sequence[int]) -> Launch:
    """Spawn the command line that `argv(info_fd, block_fd, config_fd)` renders. Blocks for about a millisecond.

    `config` reaches the sandbox in anonymous memory, not on disk, in argv or in the environment. Raises OSError.
    """
    with contextlib.ExitStack() as child_ends, contextlib.ExitStack() as ours:
        info_read, info_write = os.pipe2(os.O_CLOEXEC)
        child_ends.callback(os.close, info_write)
        ours.callback(os.close, info_read)
        os.set_blocking(info_read, False)
        block_write, block_both = _block_pipe()
        child_ends.callback(os.close, block_both)
        ours.callback(os.close, block_write)
        config_fd = _in_memory(config)
        child_ends.callback(os.close, config_fd)
        output = SealedOutput.create()
        ours.callback(output.close)
        child = spawn(
            argv(info_write, block_both, config_fd),
            env={},
            pass_fds=(info_write, block_both, config_fd, *inherited),
            stdout=output.fd,
            stderr=output.fd,
        )
        ours.pop_all()
        return Launch(child, output, info_read, block_write)


def _block_pipe() -> tuple[int, int]:
    """Our non-blocking write end, and the sandbox's end, which is both ends at once."""
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK | os.O_DIRECT)
    try:
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _ONE_SLOT)
        return write, os.open(f"/proc/self/fd/{read}", os.O_RDWR | os.O_CLOEXEC)
    except BaseException:
        os.close(write)
        raise
    finally:
        os.close(read)


def _in_memory(data: bytes) -> int:
    fd = os.memfd_create("config", os.MFD_CLOEXEC)
    with os.fdopen(fd, "wb", closefd=False) as file:
        file.write(data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
