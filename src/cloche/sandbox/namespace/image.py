"""The root image: a read-only directory with only what Chromium, fonts and the agent need, built once.

    <state>/runtime/<digest>/            digest over every source's path, size and time, and our version
        usr/lib/…                        shared libraries, at the paths where the loader looks for them
        opt/python/                      this Python and its standard library
        bin usr/bin/{sh,env}             links into the shell, which only some sessions have
        usr/share/cloche/                agent/, welcome.html, image.lock
        etc/{passwd,group,hosts,…}       made up; nothing of the host's
        proc dev data run/cloche opt/{chromium,shell} usr/share/fonts …      empty, to mount on
    <state>/runtime/<digest>.json        the sources, to see at the next start that nothing has changed

A library that apt replaced makes a new image; sandboxes that run on the old one keep it. All functions
block; building takes about a second, finding an existing image some milliseconds.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cloche
from cloche.sandbox.agent_bundle import agent_sources
from cloche.sandbox.namespace import image_files, places, python_files
from cloche.sandbox.namespace.engine import BrowserFiles
from cloche.sandbox.namespace.libraries import closure, is_elf, loader_of
from cloche.sandbox.namespace.runtime_dir import building, make, stamp

_FORMAT: Final = 3


@dataclass(frozen=True, slots=True)
class Image:
    """One finished image. Never changed after it has its name."""

    path: Path
    digest: str


def ensure_image(runtime_dir: Path, browsers: Sequence[BrowserFiles]) -> Image:
    """Find the image for these browsers and this host's files, or build it.

    Safe when two daemons do it at once: each builds under a name of its own, the first rename wins. Raises OSError,
    ValueError (a browser that is no ELF program the loader knows) or subprocess.TimeoutExpired.
    """
    make(runtime_dir)
    key = _key(browsers)
    if found := _find(runtime_dir, key):
        return found
    copies = list(_copies(browsers))
    stamps = [stamp(path) for path in [*(source for source, _name in copies), *agent_sources(), *_own_files()]]
    digest = hashlib.sha256(json.dumps([key, stamps]).encode()).hexdigest()[:32]
    image = Image(runtime_dir / digest, digest)
    if not image.path.is_dir():
        _build(image, copies)
    _write_manifest(runtime_dir, digest, {"key": key, "sources": stamps})
    return image


def _find(runtime_dir: Path, key: list[object]) -> Image | None:
    for manifest in runtime_dir.glob("*.json"):
        try:
            value = json.loads(manifest.read_bytes())
            fresh = value["key"] == key and all(stamp(Path(s[0])) == tuple(s) for s in value["sources"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if fresh and (image := manifest.with_suffix("")).is_dir():
            return Image(image, image.name)
    return None


def _key(browsers: Iterable[BrowserFiles]) -> list[object]:
    """What decides which sources there are at all; the manifest then says whether each is still the same."""
    programs = [*(browser.executable for browser in browsers), python_files.interpreter()]
    return [_FORMAT, cloche.__version__, [list(stamp(program)) for program in sorted(programs)]]


def _copies(browsers: Iterable[BrowserFiles]) -> Iterator[tuple[Path, str]]:
    """Each file of the host that goes in, with its path inside."""
    python = python_files.interpreter()
    yield python, places.PYTHON.lstrip("/")
    needing = [python]
    for path, name in python_files.library_files():
        yield path, name
        if path.suffix == ".so":
            needing.append(path)
    for browser in browsers:
        # A browser that is a script of a test needs no libraries, only its interpreter.
        if is_elf(browser.executable):
            needing += [browser.executable, *browser.directory.glob("*.so*")]
    loader = loader_of(python)
    home = next(path for path in closure(loader, [python]) if path.name == "libc.so.6").parent.resolve()
    for library in sorted(closure(loader, [path for path in needing if is_elf(path)])):
        if not any(library.is_relative_to(browser.directory) for browser in browsers):
            yield library, _library_name(library, home)
    yield from image_files.host_files()


def _own_files() -> list[Path]:
    """What decides the made-up part of an image."""
    return sorted(path for path in Path(__file__).parent.iterdir() if path.suffix in (".py", ".html"))


def _library_name(library: Path, home: Path) -> str:
    """Where the loader will find it inside: at its own place below /usr/lib and /lib, else beside libc."""
    directory = library.parent.resolve()
    if not any(directory.is_relative_to(top) for top in ("/usr/lib", "/usr/lib64", "/lib", "/lib64")):
        directory = home
    return str((directory / library.name).relative_to("/"))


def _build(image: Image, copies: Iterable[tuple[Path, str]]) -> None:
    with building(image.path) as temporary:
        for source, name in copies:
            target = temporary / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            status = source.stat()
            # A module of the library that is marked executable is no program here.
            target.chmod(0o755 if status.st_mode & 0o111 and source.suffix != ".py" else 0o644)
            # Bytecode is valid only for the time its source had.
            os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))
        image_files.write_skeleton(temporary)


def _write_manifest(runtime_dir: Path, digest: str, value: dict[str, object]) -> None:
    with tempfile.NamedTemporaryFile("w", dir=runtime_dir, prefix=".manifest-", delete=False) as file:
        json.dump(value, file)
    Path(file.name).replace(runtime_dir / f"{digest}.json")
