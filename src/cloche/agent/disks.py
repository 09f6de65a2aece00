"""Getting what is in memory onto the disk before a machine is paused: file systems synced, caches dropped.

The kernel takes as long as it takes, and a file system that hangs takes for ever; so both run in threads of their own,
and whoever waits for them waits only until a deadline.
"""

import os
from collections.abc import Callable

from cloche.agent.loop import Loop

_DROP_CACHES = "/proc/sys/vm/drop_caches"


class Disks:
    """Owned by `Sleeper`. At most one thread at a time: while an earlier sync hangs, no other is started."""

    def __init__(
        self,
        loop: Loop,
        *,
        workspace: str,
        owns_machine: bool,
        sync: Callable[[], None] | None = None,
        drop: Callable[[], None] | None = None,
    ) -> None:
        """`sync` and `drop` stand in for the system calls; they raise OSError."""
        self._loop = loop
        self._sync = sync or (os.sync if owns_machine else lambda: sync_file_system(workspace))
        self._drop = drop or drop_caches
        self._hanging: int | None = None

    async def sync(self, deadline: float) -> str:
        """Write everything out by `deadline` (monotonic); return what went wrong, or nothing."""
        return await self._in_thread(self._sync, deadline)

    async def drop_caches(self, deadline: float) -> str:
        """Have the kernel forget what it can read again; return what went wrong, or nothing."""
        return await self._in_thread(self._drop, deadline)

    def close(self) -> None:
        """Wait no more for a thread that hangs; it ends by itself or with the process."""
        if self._hanging is not None:
            os.close(self._hanging)
            self._hanging = None

    async def _in_thread(self, work: Callable[[], None], deadline: float) -> str:
        if self._hanging is not None and not await self._has_ended(self._hanging, deadline):
            return "an earlier one has not ended"
        self.close()
        errors: list[str] = []
        try:
            self._hanging = _start(work, errors)
        except (OSError, RuntimeError) as error:  # no descriptor or no thread to be had
            return str(error)
        if not await self._has_ended(self._hanging, deadline):
            return "not done in time"
        self.close()
        return "".join(errors)

    async def _has_ended(self, ended_fd: int, deadline: float) -> bool:
        try:
            await self._loop.readable(ended_fd, deadline)
        except TimeoutError:
            return False
        return True


def _start(work: Callable[[], None], errors: list[str]) -> int:
    """Do `work` in a thread; return a descriptor that is readable once it has ended, with what it raised in `errors`.

    Raises:
        OSError, RuntimeError: no pipe, or no thread.
    """
    import _thread  # not at the top: most agents never sleep, and `threading` is heavier still

    ended, ending = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # the top of a thread: whatever it is, it is told
            errors.append(getattr(error, "strerror", None) or str(error) or repr(error))
        finally:
            os.close(ending)

    try:
        _thread.start_new_thread(run, ())
    except BaseException:
        os.close(ended)
        os.close(ending)
        raise
    return ended


def sync_file_system(path: str) -> None:
    """Write out the file system that holds `path` (syncfs(2)), and no other of a kernel that is shared.

    Nothing at `path` is nothing to write out: an agent without a link has no workspace.

    Raises:
        OSError: it cannot be.
    """
    if not os.path.exists(path):
        return
    try:
        import ctypes
    except ImportError:
        os.sync()  # it writes out more than it had to
        return
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(fd):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), path)
    finally:
        os.close(fd)


def drop_caches() -> None:
    """Have the kernel drop clean caches, dentries and inodes (proc_sys_vm(5)).

    Raises:
        OSError: it may not, as without the right to.
    """
    fd = os.open(_DROP_CACHES, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, b"3")
    finally:
        os.close(fd)
