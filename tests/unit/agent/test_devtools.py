import json
import os
import socket
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.devtools import DevTools, parse_version, read_active_port, response_body, wait_until_ready
from cloche.agent.loop import Loop

VERSION = b'{"Browser":"HeadlessChrome/156.0","webSocketDebuggerUrl":"ws://127.0.0.1:9222/devtools/browser/a-1"}'


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("9222\n/devtools/browser/x", 9222),
        ("9222\n", 9222),
        ("9222", None),
        ("", None),
        ("0\n", None),
        ("65536\n", None),
        ("-1\n", None),
        ("9" * 5000 + "\n", None),
        ("٣\n", None),
    ],
)
def test_a_port_file_is_believed_only_when_it_is_whole(tmp_path: Path, text: str, port: int | None) -> None:
    (tmp_path / "DevToolsActivePort").write_text(text)
    assert read_active_port(str(tmp_path)) == port


def test_a_port_file_that_is_a_pipe_a_link_or_a_directory_neither_blocks_nor_counts(tmp_path: Path) -> None:
    file = tmp_path / "DevToolsActivePort"
    assert read_active_port(str(tmp_path)) is None
    os.mkfifo(file)
    assert read_active_port(str(tmp_path)) is None
    file.unlink()
    (tmp_path / "real").write_text("9222\n")
    file.symlink_to("real")
    assert read_active_port(str(tmp_path)) is None
    file.unlink()
    file.mkdir()
    assert read_active_port(str(tmp_path)) is None


@given(st.integers(0, 200))
def test_a_response_is_complete_when_its_length_is_there(cut: int) -> None:
    response = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: x\r\n\r\n" % len(VERSION) + VERSION
    assert response_body(response[:cut]) == (VERSION if cut >= len(response) else None)
    assert response_body(response + b"more") == VERSION


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_a_response_that_will_not_do_is_refused(response: bytes) -> None:
    with pytest.raises(ValueError):
        response_body(response)


def test_a_version_names_the_browser_and_its_path() -> None:
    assert parse_version(VERSION, 1) == DevTools(1, "/devtools/browser/a-1", "HeadlessChrome/156.0")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"[" * 60_000,
        b"{}",
        b'{"Browser":1,"webSocketDebuggerUrl":"ws://h/devtools/browser/a"}',
        b'{"Browser":"x","webSocketDebuggerUrl":"ws://h/devtools/page/a"}',
        b'{"Browser":"x","webSocketDebuggerUrl":"ws://h/devtools/browser/a HTTP/1.1\\r\\nX: y"}',
        b'{"Browser":"x","webSocketDebuggerUrl":"/devtools/browser/a"}',
    ],
)
def test_a_version_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_version(body, 1)


@pytest.mark.parametrize(
    ("webkit", "revision"),
    [("537.36 (@a21ce95c24ce)", "@a21ce95c24ce"), ("537.36", ""), (7, ""), ("537.36 (@\r\nx: y)", "")],
)
def test_the_revision_is_taken_from_where_chromium_writes_it(webkit: object, revision: str) -> None:
    body = json.dumps(json.loads(VERSION) | {"WebKit-Version": webkit}).encode()
    assert parse_version(body, 1).revision == revision


def test_without_a_port_file_the_port_that_was_agreed_on_is_asked(tmp_path: Path) -> None:
    found: list[DevTools] = []

    async def look(loop: Loop, port: int) -> None:
        found.append(await wait_until_ready(loop, str(tmp_path), time.monotonic() + 5, agreed_port=port))

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(VERSION) + VERSION)

    def fail(name: str, error: BaseException) -> None:
        raise AssertionError(name) from error

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        loop = Loop(fail)
        loop.run(look(loop, port))
        thread.join(5)
    assert [(one.port, one.path) for one in found] == [(port, "/devtools/browser/a-1")]
