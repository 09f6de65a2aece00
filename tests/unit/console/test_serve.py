"""The console's routes, asked as a browser asks them."""

import gzip
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from cloche.console.bundle import NONCE
from cloche.console.serve import routes
from cloche.errors import NotFoundError

SCRIPT = "index-Ab3dEf9Z.js"


@pytest.fixture
def static(tmp_path: Path) -> Path:
    build(tmp_path, "first")
    return tmp_path


def build(directory: Path, words: str) -> None:
    (directory / "assets").mkdir(exist_ok=True)
    (directory / f"assets/{SCRIPT}").write_text("let a = 1;\n" * 100)
    (directory / "assets/cloche.svg").write_text("<svg/>")
    (directory / "index.html").write_text(
        f"<script nonce={NONCE} src=/assets/{SCRIPT}></script><p nonce={NONCE}>{words}"
    )


async def not_found(_: Request, __: Exception) -> Response:
    return Response(status_code=404)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Headers
    body: bytes

    @property
    def text(self) -> str:
        return (gzip.decompress(self.body) if "content-encoding" in self.headers else self.body).decode()


class Browser:
    """Asks the application of one build, with paths as they come: nothing is made shorter on the way."""

    def __init__(self, static: Path) -> None:
        self._app = Starlette(routes=routes(static), exception_handlers={NotFoundError: not_found})
        self._app.router.redirect_slashes = False

    async def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(path.partition("?")[0]),
            "raw_path": path.encode(),
            "query_string": path.partition("?")[2].encode(),
            "headers": fields,
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        body = b"".join(message.get("body", b"") for message in sent)
        return Answer(sent[0]["status"], Headers(raw=sent[0]["headers"]), body)


@pytest.mark.parametrize("path", ["/", "/app", "/app/sessions", "/app/sessions/ses_01ABC/live?x=1", "/app/a%2F..%2Fb"])
async def test_every_address_of_the_console_is_the_same_page(static: Path, path: str) -> None:
    browser = Browser(static)
    answer = await browser.ask(path)
    assert answer.status == 200
    assert "first" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/v1/sessions", "/apple", "/index.html", "/assets", "/live/cloche-live.js"])
async def test_no_other_address_is(static: Path, path: str) -> None:
    browser = Browser(static)
    assert (await browser.ask(path)).status == 404


async def test_the_nonce_of_the_policy_is_that_of_the_page_and_another_each_time(static: Path) -> None:
    browser = Browser(static)
    pages = [await browser.ask("/") for _ in range(2)]
    nonces = [re.findall(r"nonce=([\w-]+)", page.text) for page in pages]
    assert nonces[0][0] == nonces[0][1] != nonces[1][0]
    for page, (nonce, _) in zip(pages, nonces, strict=True):
        assert f"style-src 'self' 'nonce-{nonce}'" in page.headers["content-security-policy"]
        assert NONCE not in page.text


async def test_the_policy_lets_no_script_in_but_the_files_and_nobody_frame_it(static: Path) -> None:
    browser = Browser(static)
    headers = (await browser.ask("/")).headers
    rules = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert [name for name, rule in rules.items() if "unsafe" in rule] == ["style-src-attr"]
    assert headers["x-content-type-options"] == "nosniff"


async def test_a_hashed_file_is_kept_for_ever_and_another_is_asked_for_again(static: Path) -> None:
    browser = Browser(static)
    hashed = await browser.ask(f"/assets/{SCRIPT}")
    named = await browser.ask("/assets/cloche.svg")
    again = await browser.ask("/assets/cloche.svg", if_none_match=named.headers["etag"])
    assert "immutable" in hashed.headers["cache-control"]
    assert hashed.headers["content-type"].startswith("text/javascript")
    assert named.headers["cache-control"] == "no-cache"
    assert (again.status, again.body) == (304, b"")
    assert "sandbox" in named.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("accepted", "packed"), [("gzip, br", True), ("br;q=1, gzip;q=0.5", True), ("gzip;q=0", False), ("identity", False)]
)
async def test_a_file_is_packed_for_who_takes_that(static: Path, accepted: str, packed: bool) -> None:
    browser = Browser(static)
    answer = await browser.ask(f"/assets/{SCRIPT}", accept_encoding=accepted)
    assert ("content-encoding" in answer.headers) is packed
    assert answer.text.startswith("let a = 1;")
    assert answer.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize("path", ["nothing.js", "../index.html", "%2e%2e/index.html", "/etc/passwd", ""])
async def test_nothing_but_the_files_of_the_build_is_served(static: Path, path: str) -> None:
    browser = Browser(static)
    assert (await browser.ask(f"/assets/{path}")).status == 404


async def test_a_console_that_was_not_built_says_how_to_build_it_and_serves_it_once_it_is(tmp_path: Path) -> None:
    browser = Browser(tmp_path)
    before = await browser.ask("/")
    build(tmp_path, "built")
    after = await browser.ask("/")
    assert before.status == 503
    assert "script/console" in before.text
    assert "default-src 'none'" in before.headers["content-security-policy"]
    assert (after.status, "built" in after.text) == (200, True)


async def test_a_new_build_takes_over_and_the_old_one_stays_until_it_is_there(static: Path) -> None:
    browser = Browser(static)
    await browser.ask("/")
    (static / "index.html").unlink()
    between = await browser.ask("/")
    build(static, "the second")
    after = await browser.ask("/")
    assert "first" in between.text
    assert "the second" in after.text


async def test_the_page_is_only_to_be_read(static: Path) -> None:
    browser = Browser(static)
    assert (await browser.ask("/", "HEAD")).status == 200
    assert (await browser.ask("/", "POST")).status == 405
