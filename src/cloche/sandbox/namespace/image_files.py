"""What is in a root image besides programs and libraries: made-up files, mount points, links, a start page."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cloche.sandbox.agent_bundle import build_agent_bundle
from cloche.sandbox.namespace import places

MOUNT_POINTS: Final = ("/proc", "/dev", places.DATA, places.LINK, places.BROWSER, places.SHELL, *places.SHARED)

_TEXTS: Final = {
    "etc/passwd": f"root:x:0:0::/:/none\n{places.USER}:x:{places.UID}:{places.UID}::/data/home:/none\n",
    "etc/group": f"root:x:0:\n{places.USER}:x:{places.UID}:\n",
    "etc/hosts": f"127.0.0.1 localhost {places.HOSTNAME}\n::1 localhost\n",
    "etc/hostname": f"{places.HOSTNAME}\n",
    # No name server: whatever asks for a name without going through the proxy gets no answer.
    "etc/resolv.conf": "",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "etc/machine-id": "0" * 31 + "1\n",
    places.LOCK.lstrip("/"): "",
}

_LINKS: Final = {
    "tmp": "data/tmp",
    "workspace": "data/workspace",
    "profile": "data/profile",
    "var/tmp": "../data/tmp",
    "etc/chromium/policies/managed": f"../../..{places.POLICIES}",
    # Scripts name these two in their first line. Both lead nowhere in a session without a shell.
    "usr/bin/sh": f"../..{places.SHELL}/sh",
    "usr/bin/env": f"../..{places.SHELL}/env",
}

_LOCALE: Final = Path("/usr/lib/locale/C.utf8")
_MIME: Final = Path("/usr/share/mime/mime.cache")


def host_files() -> Iterator[tuple[Path, str]]:
    """Files of the host that hold nothing of the host: the C locale, and which ending is which type."""
    for path in sorted(_LOCALE.rglob("*")) if _LOCALE.is_dir() else []:
        if path.is_file():
            yield path, str(path.relative_to("/"))
    if _MIME.is_file():
        yield _MIME, str(_MIME.relative_to("/"))


def write_skeleton(root: Path) -> None:
    """Write into an image whose programs and libraries are there already; needs no particular uid."""
    for name in MOUNT_POINTS:
        (root / name.lstrip("/")).mkdir(parents=True, exist_ok=True)
    for name, text in _TEXTS.items():
        _write(root / name, text.encode())
    _unpack_agent(root / places.AGENT.lstrip("/"))
    _write(root / places.WELCOME.lstrip("/"), (Path(__file__).parent / "welcome.html").read_bytes())
    for name, target in _LINKS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    (root / "bin").symlink_to("usr/bin")
    _link_merged_directories(root)


def _unpack_agent(directory: Path) -> None:
    """The bytecode alone, which is this Python's as the image's Python is."""
    with zipfile.ZipFile(io.BytesIO(build_agent_bundle())) as bundle:
        for name in bundle.namelist():
            if name.endswith(".pyc") and "/" in name:
                _write(directory / name, bundle.read(name))


def _link_merged_directories(root: Path) -> None:
    """Where the host's /lib and its like are links into /usr, so are the image's: program headers name /lib64."""
    for name in ("lib", "lib32", "lib64"):
        host = Path("/", name)
        if host.is_symlink() and not (root / name).exists():
            target = str(host.readlink()).lstrip("/")
            (root / target).mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(target)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o644)
