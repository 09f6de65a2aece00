"""One virtual machine: a QEMU process of ours, its monitor, and the line on which its first process answers."""

import contextlib
import json
import shlex
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

from cloche.testing.virtual_machine.qmp import Qmp, QmpError
from cloche.testing.virtual_machine.surroundings import QEMU, Kernel

BOOT_S: Final = 120.0
PATIENCE_S: Final = 60.0
MEMORY_MB: Final = 512
DISK_BYTES: Final = 16 * 1024 * 1024

_END_S: Final = 10.0
_BANDWIDTH: Final = 1 << 34  # bytes a second: a snapshot goes to a file, not over a network


class GuestFailed(AssertionError):
    """What the first process was asked to do went wrong; the message is its traceback."""


class VirtualMachine:
    """A context manager: running within the block, and nothing of it left after it but its directory's files.

    `directory` is its own: the disk, snapshots and what the kernel printed lie there. All of it blocks.
    """

    def __init__(self, kernel: Kernel, initramfs: Path, directory: Path, *, snapshot: Path | None = None) -> None:
        """`snapshot`: one to restore, in place of a boot."""
        self._kernel, self._initramfs, self._directory, self._snapshot = kernel, initramfs, directory, snapshot
        self._resources = contextlib.ExitStack()

    @property
    def disk(self) -> Path:
        """The file behind the guest's /dev/vda."""
        return self._directory / "disk"

    @property
    def printed(self) -> str:
        """What the kernel and the first process wrote to the console."""
        return (self._directory / "console").read_text(errors="replace")

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._start(stack)
            if self._snapshot is None:
                self._wait_for_boot()
            else:
                self._restore()
            self._resources = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def do(self, verb: str, /, **arguments: object) -> Any:
        """Have the first process do something; return what it returns.

        Raises:
            GuestFailed: it could not.
        """
        self.begin(verb, **arguments)
        return self.finish()

    def begin(self, verb: str, /, **arguments: object) -> None:
        """Ask for something whose end is not to be waited for yet: `finish` returns it."""
        self._line.sendall(json.dumps({"do": verb, **arguments}).encode() + b"\n")

    def finish(self) -> Any:
        answer = json.loads(self._lines.readline() or b'{"error": "the machine is gone"}')
        if "error" in answer:
            raise GuestFailed(answer["error"])
        return answer["ok"]

    def stop(self) -> None:
        """Stop the processors, as a host that pauses its machine."""
        self.qmp.execute("stop")

    def go_on(self) -> None:
        self.qmp.execute("cont")

    @contextlib.contextmanager
    def hanging_disk(self) -> Iterator[None]:
        """Let what is written to the disk wait until the end of the block; a write or two may still get through."""
        self._throttle(1)
        try:
            yield
        finally:
            self._throttle(0)

    def save(self, path: Path) -> None:
        """Write the stopped machine's whole state to a file. The disk's contents are not in it."""
        self.qmp.execute("migrate-set-parameters", {"max-bandwidth": _BANDWIDTH})
        self.qmp.execute("migrate", {"uri": f"exec:cat > {shlex.quote(str(path))}"})
        self._wait_for_migration()

    def _throttle(self, bytes_a_second: int) -> None:
        limits = {"bps": 0, "bps_rd": 0, "bps_wr": bytes_a_second, "iops": 0, "iops_rd": 0, "iops_wr": 0}
        self.qmp.execute("block_set_io_throttle", {"device": "disk", **limits})

    def _start(self, stack: contextlib.ExitStack) -> None:
        monitor, monitor_end = socket.socketpair()
        self._line, line_end = socket.socketpair()
        stack.callback(self._line.close)
        self.qmp = Qmp(monitor)
        stack.callback(self.qmp.close)
        if not self.disk.exists():
            with self.disk.open("wb") as disk:
                disk.truncate(DISK_BYTES)
        with monitor_end, line_end, (self._directory / "qemu.log").open("ab") as log:
            process = subprocess.Popen(
                self._argv(monitor_end.fileno(), line_end.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(monitor_end.fileno(), line_end.fileno()),
            )
        stack.callback(_end, process)
        self._lines = stack.enter_context(self._line.makefile("rb"))
        try:
            self.qmp.greet()
        except EOFError:
            raise QmpError((self._directory / "qemu.log").read_text(errors="replace")) from None
        self.qmp.execute("migrate-set-capabilities", {"capabilities": [{"capability": "events", "state": True}]})

    def _argv(self, monitor_fd: int, line_fd: int) -> list[str]:
        console = self._directory / ("console" if self._snapshot is None else "console-restored")
        options = {
            "machine": "pc",
            "accel": "tcg",
            "cpu": "max",
            "m": str(MEMORY_MB),
            "smp": "1",
            "display": "none",
            "rtc": "base=utc,clock=host",
            "kernel": str(self._kernel.image),
            "initrd": str(self._initramfs),
            "append": "console=ttyS0 quiet panic=-1",
            "drive": f"file={_escaped(self.disk)},format=raw,if=virtio,id=disk",
        }
        lines = [
            *("-chardev", f"file,id=console,path={_escaped(console)}", "-serial", "chardev:console"),
            *("-chardev", f"socket,id=line,fd={line_fd}", "-serial", "chardev:line"),
            *("-chardev", f"socket,id=monitor,fd={monitor_fd}", "-mon", "chardev=monitor,mode=control"),
        ]
        flags = [word for name, value in options.items() for word in (f"-{name}", value)]
        incoming = [] if self._snapshot is None else ["-incoming", "defer"]
        return [QEMU, "-nodefaults", "-no-user-config", "-no-reboot", *flags, *lines, *incoming]

    def _wait_for_boot(self) -> None:
        self._line.settimeout(BOOT_S)
        try:
            self.finish()
        except (TimeoutError, GuestFailed):
            raise GuestFailed(f"it did not boot; on its console:\n{self.printed}") from None
        self._line.settimeout(PATIENCE_S)

    def _restore(self) -> None:
        self._line.settimeout(PATIENCE_S)
        self.qmp.execute("migrate-incoming", {"uri": f"exec:cat {shlex.quote(str(self._snapshot))}"})
        self._wait_for_migration()

    def _wait_for_migration(self) -> None:
        while (status := self.qmp.wait_for("MIGRATION")["data"]["status"]) != "completed":
            if status in ("failed", "cancelled"):
                raise QmpError(f"{status}: {self.qmp.execute('query-migrate').get('error-desc', 'no reason given')}")


def _escaped(path: Path) -> str:
    """A path within QEMU's option lists, where a comma is written twice."""
    return str(path).replace(",", ",,")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(_END_S)
