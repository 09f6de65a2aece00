"""Whether this host can run a virtual machine for tests, and where its kernel is."""

import platform
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cloche

SCRIPT: Final = "script/virtual-machine"
QEMU: Final = "qemu-system-x86_64"

_DIRECTORY: Final = Path(cloche.__file__).parents[2] / ".cloche/virtual-machine"
_DEPENDS: Final = re.compile(rb"\0depends=([^\0]*)\0")


@dataclass(frozen=True, slots=True)
class Kernel:
    """An unpacked Debian kernel package."""

    image: Path
    modules: Path
    """The directory below which its modules are: `lib/modules/RELEASE`."""


def lacking() -> str:
    """Say what is missing for a virtual machine, and what mends it; nothing if it can be run."""
    if platform.machine() != "x86_64":
        return "the virtual machine runs this host's Python, which is not one for x86-64"
    if shutil.which(QEMU) is None:
        return f"there is no {QEMU}: {SCRIPT} installs it"
    if _newest_image() is None:
        return f"there is no kernel for a virtual machine: {SCRIPT} fetches one"
    return ""


def kernel() -> Kernel:
    """Return the kernel that `script/virtual-machine` fetched.

    Raises:
        FileNotFoundError: it has not.
    """
    image = _newest_image()
    if image is None:
        raise FileNotFoundError(lacking())
    release = image.name.partition("-")[2]
    return Kernel(image, _DIRECTORY / "lib/modules" / release)


def modules_in_order(kernel: Kernel, names: Iterable[str]) -> list[Path]:
    """Return the files of these modules and of those that they depend on, in an order to load them.

    Raises:
        FileNotFoundError: the kernel has no such module.
    """
    files = {path.stem: path for path in kernel.modules.rglob("*.ko")}
    found: dict[str, Path] = {}

    def add(name: str) -> None:
        if name in found:
            return
        if name not in files:
            raise FileNotFoundError(f"the kernel has no module {name}")
        for other in _depends(files[name]):
            add(other)
        found[name] = files[name]

    for name in names:
        add(name)
    return list(found.values())


def _newest_image() -> Path | None:
    return max(_DIRECTORY.glob("boot/vmlinuz-*"), key=lambda path: path.stat().st_mtime, default=None)


def _depends(module: Path) -> list[str]:
    """Read what a module depends on from its `.modinfo` (there is no modules.dep without depmod)."""
    match = _DEPENDS.search(module.read_bytes())
    return [name.decode() for name in match[1].split(b",") if name] if match else []
