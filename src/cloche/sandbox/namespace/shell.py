"""A shell for sessions made with `machine`: one static BusyBox and a link for each of its tools.

    <state>/runtime/shell-<digest>/      digest over the source's path, size and time, and our version
        busybox                          a copy of the host's
        sh, env, ls, tar …               links to it: the program looks at the name it was called by
        lock                             every sandbox that can see the directory holds a read lock on it

It is bound read-only into those sessions and no others. No wall depends on what is left out here, and the program does
everything it can when asked as `busybox mount`: it runs as the session's own user, without a capability, like whatever
program the user brings. Left out are names that would only fail, so that what looks like a tool is one.
"""

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloche.sandbox.namespace.libraries import is_elf, loader_of
from cloche.sandbox.namespace.runtime_dir import Stamp, building, make, stamp

_FORMAT: Final = 1
_LIST_TIMEOUT_S: Final = 10.0

# They need to be root, another machine, hardware or a service; or they are part of another system's packaging.
_LEFT_OUT: Final = frozenset(
    {
        "acpid", "adjtimex", "arp", "arping", "blkdiscard", "blockdev", "brctl", "chroot", "chvt", "crond", "crontab",
        "cttyhack", "deallocvt", "depmod", "devmem", "dmesg", "dnsdomainname", "dpkg", "dpkg-deb", "dumpkmap",
        "dumpleases", "fatattr", "fdisk", "findfs", "freeramdisk", "fsfreeze", "fstrim", "ftpget", "ftpput", "getty",
        "halt", "httpd", "hwclock", "i2cdetect", "i2cdump", "i2cget", "i2cset", "i2ctransfer", "ifconfig", "ifdown",
        "ifup", "init", "insmod", "ip", "ipcalc", "ipneigh", "klogd", "linux32", "linux64", "linuxrc", "loadfont",
        "loadkmap", "logger", "login", "logread", "losetup", "lsmod", "lsscsi", "microcom", "mkdosfs", "mke2fs",
        "mkswap", "modinfo", "modprobe", "mount", "mt", "nameif", "nbd-client", "netstat", "nologin", "nslookup",
        "nsenter", "openvt", "partprobe", "passwd", "ping", "ping6", "pivot_root", "poweroff", "rdate", "reboot",
        "rmmod", "route", "rpm", "rpm2cpio", "run-init", "run-parts", "runlevel", "setkeycodes", "setpriv",
        "ssl_client", "start-stop-daemon", "su", "sulogin", "svc", "svok", "swapoff", "swapon", "switch_root", "sysctl",
        "syslogd", "tc", "telnet", "telnetd", "tftp", "traceroute", "traceroute6", "tunctl", "ubirename", "udhcpc",
        "udhcpd", "uevent", "umount", "unshare", "vconfig", "watchdog",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shell:
    """One finished directory. Never changed after it has its name."""

    path: Path


def find_busybox(name: str) -> Path | None:
    """Find a BusyBox by a name looked up in PATH, or an absolute path; None when there is none that would run inside.

    Only a static one: its libraries would not be in the image. Where it cannot be read it is as good as not there.
    """
    found = shutil.which(name)
    if found is None:
        return None
    path = Path(os.path.realpath(found))
    return path if _is_static(path) else None


def ensure_shell(runtime_dir: Path, busybox: Path) -> Shell:
    """Find the directory made of this program, or build it. Two daemons may do it at once.

    Raises OSError, ValueError (it is no BusyBox) or subprocess.TimeoutExpired.
    """
    make(runtime_dir)
    key: list[int | Stamp] = [_FORMAT, stamp(busybox)]
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
    shell = Shell(runtime_dir / f"shell-{digest}")
    if not shell.path.is_dir():
        _build(shell, busybox)
    return shell


def _build(shell: Shell, busybox: Path) -> None:
    names = _tools(busybox)
    with building(shell.path) as temporary:
        program = temporary / "busybox"
        shutil.copyfile(busybox, program)
        program.chmod(0o755)
        for name in names:
            (temporary / name).symlink_to("busybox")
        lock = temporary / "lock"
        lock.touch()
        lock.chmod(0o644)  # whatever the umask is


def _tools(busybox: Path) -> list[str]:
    """Ask the program what it can do."""
    done = subprocess.run(
        [busybox, "--list"], capture_output=True, text=True, timeout=_LIST_TIMEOUT_S, check=False, env={}
    )
    names = {name for name in done.stdout.split() if "/" not in name} - _LEFT_OUT - {"busybox", "lock"}
    if done.returncode != 0 or not {"sh", "env"} <= names:
        raise ValueError("not a BusyBox with a shell")
    return sorted(names)


def _is_static(path: Path) -> bool:
    try:
        if not is_elf(path):
            return False
        loader_of(path)
    except ValueError:
        return True
    except OSError:
        return False
    return False
