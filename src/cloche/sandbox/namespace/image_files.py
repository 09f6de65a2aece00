"""What is in a root image besides programs and libraries: made-up files, mount points, links, a start page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cloche.sandbox.namespace.agent_bundle import build_agent_bundle

AGENT_INSIDE: Final = "/usr/share/cloche/agent.pyz"
WELCOME_INSIDE: Final = "/usr/share/cloche/welcome.html"

UID_INSIDE: Final = 1000
HOSTNAME: Final = "cloche"

MOUNT_POINTS: Final = (
    "proc", "dev", "data", "run/cloche", "opt/chromium", "usr/share/fonts", "usr/local/share/fonts", "etc/fonts",
    "usr/share/fontconfig", "var/cache/fontconfig",
)  # fmt: skip

_TEXTS: Final = {
    "etc/passwd": f"root:x:0:0::/:/none\ncloche:x:{UID_INSIDE}:{UID_INSIDE}::/data/home:/none\n",
    "etc/group": f"root:x:0:\ncloche:x:{UID_INSIDE}:\n",
    "etc/hosts": f"127.0.0.1 localhost {HOSTNAME}\n::1 localhost\n",
    "etc/hostname": f"{HOSTNAME}\n",
    # No name server: whatever asks for a name without going through the proxy gets no answer.
    "etc/resolv.conf": "",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "etc/machine-id": "0" * 31 + "1\n",
    "usr/share/cloche/image.lock": "",
}

_LINKS: Final = {"tmp": "data/tmp", "workspace": "data/workspace", "var/tmp": "../data/tmp"}

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
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, text in _TEXTS.items():
        _write(root / name, text.encode())
    _write(root / AGENT_INSIDE.lstrip("/"), build_agent_bundle())
    _write(root / WELCOME_INSIDE.lstrip("/"), (Path(__file__).parent / "welcome.html").read_bytes())
    for name, target in _LINKS.items():
        (root / name).symlink_to(target)
    _link_merged_directories(root)


def _link_merged_directories(root: Path) -> None:
    """Where the host's /lib and its like are links into /usr, so are the image's: program headers name /lib64."""
    for name in ("lib", "lib32", "lib64", "bin"):
        host = Path("/", name)
        if host.is_symlink() and not (root / name).exists():
            target = str(host.readlink()).lstrip("/")
            (root / target).mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(target)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o644)
