"""Pages for the bench of actions: made ones, and documentation that Debian ships, as saved pages of the real world."""

import contextlib
import functools
import http.server
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

ACTIONS_PAGE = (
    """<!doctype html><title>actions</title><style>body{font:16px sans-serif}</style>
<h1>Actions</h1><form onsubmit="return false"><label>Name <input id=name></label>
<button id=save type=button onclick="document.getElementById('count').textContent++">Save</button></form>
<p>Saved <b id=count>0</b> times.</p>"""
    + "<p>A paragraph with a <a href=#x>link</a> in it.</p>" * 40
)

REAL_PAGES = {
    # package: the page in it
    "python3.11-doc": "usr/share/doc/python3.11/html/library/asyncio-task.html",
    "git-doc": "usr/share/doc/git/html/git-rebase.html",
    "debian-policy": "usr/share/doc/debian-policy/policy.html/ch-files.html",
    "developers-reference": "usr/share/developers-reference/best-pkging-practices.en.html",
    "debian-faq": "usr/share/doc/debian/FAQ/pkg-basics.en.html",
    "postgresql-doc-15": "usr/share/doc/postgresql-doc-15/html/sql-select.html",
    "apache2-doc": "usr/share/doc/apache2-doc/manual/en/mod/core.html",
    "nodejs-doc": "usr/share/doc/nodejs/api/fs.html",
    "maint-guide": "usr/share/doc/maint-guide/html/dother.en.html",
    "ant-doc": "usr/share/doc/ant/manual/Tasks/javac.html",
}


def many_nodes(count: int) -> str:
    """A page of about so many elements, five to a row."""
    row = "<div><p>Paragraph {0} <a href='/x{0}'>link {0}</a></p><button>Button {0}</button></div>"
    return "<!doctype html><title>many</title><body>" + "".join(row.format(n) for n in range(count // 5))


def real_pages(directory: Path) -> dict[str, Path]:
    """Fetch the packages with apt, unpack them, and return the pages that were there, by package."""
    found = {}
    for package, page in REAL_PAGES.items():
        there = directory / package
        if not there.exists():
            with tempfile.TemporaryDirectory() as fetched:
                got = subprocess.run(["apt-get", "download", package], cwd=fetched, capture_output=True, check=False)
                archives = list(Path(fetched).glob("*.deb"))
                if got.returncode or not archives:
                    print(f"no package {package}")
                    continue
                subprocess.run(["dpkg-deb", "-x", archives[0], there], check=True)
        path = there / page
        if not path.exists():
            candidates = sorted(there.rglob("*.html"), key=lambda p: -p.stat().st_size)
            plain = [p for p in candidates if p.stat().st_size < 600_000]
            if not plain:
                print(f"no page in {package}")
                continue
            path = plain[0]
        found[package] = path
    return found


class Pages:
    """A web server of one directory on loopback, in a thread."""

    def __init__(self, directory: Path) -> None:
        handler = functools.partial(_Handler, directory=str(directory))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # a browser that ends leaves its connections
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: it would be measured."""
