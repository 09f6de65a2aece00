"""Hosts of both published agent protocols, written from their descriptions alone.

Nothing of Cloche is imported here: what these peers take for granted is what a host of somebody else's would.

    the link     newline-delimited JSON on a unix stream socket that the host listens on
    the frames   4 bytes of big-endian length, then so many bytes of JSON, at most 262144, both ways; on a unix
                 socket `CONNECT n` and a newline may come first, answered by a line that begins with `OK `
"""

import contextlib
import json
import select
import socket
import struct
import time
from pathlib import Path
from typing import Any

MAX_FRAME = 262144
PATIENCE_S = 5.0

Value = Any


class Peer:
    """One connection to an agent that serves frames."""

    def __init__(self, path: Path, port: int | None = None) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        try:
            self.sock.connect(str(path))
            if port is not None:
                self.shake_hands(port)
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def shake_hands(self, port: int) -> None:
        self.sock.sendall(b"CONNECT %d\n" % port)
        line = self._exactly(1)
        while not line.endswith(b"\n"):
            line += self._exactly(1)
        assert line.startswith(b"OK "), line

    def send(self, request: Value) -> None:
        self.send_body(json.dumps(request, separators=(",", ":")).encode())

    def send_body(self, body: bytes) -> None:
        self.sock.sendall(struct.pack(">I", len(body)) + body)

    def read_body(self) -> bytes:
        """Read one frame; EOFError when the agent has hung up before it."""
        (length,) = struct.unpack(">I", self._exactly(4))
        assert length <= MAX_FRAME, f"a frame of {length} bytes"
        return self._exactly(length)

    def read(self) -> Value:
        return json.loads(self.read_body())

    def ask(self, request: Value) -> Value:
        self.send(request)
        return self.read()

    def rest(self) -> bytes:
        """What comes until the agent hangs up."""
        rest = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := self.sock.recv(65536):
                rest += piece
        return rest

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                piece = self.sock.recv(count - len(data))
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise EOFError
            data += piece
        return data


class Link:
    """One connection of an agent's, seen by the host that it dialed."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE_S)
        self.sock = sock
        self._file = sock.makefile("rb")

    def raw(self) -> bytes:
        """The next line as it stands."""
        line = self._file.readline()
        if not line:
            raise EOFError
        return line

    def read(self) -> dict[str, Value]:
        message: dict[str, Value] = json.loads(self.raw())
        return message

    def read_until(self, type_: str, **payload: Value) -> dict[str, Value]:
        """Skip to the next message of this type whose payload holds these values."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            message = self.read()
            assert time.monotonic() < deadline, f"no {type_} with {payload}"
            if message["type"] == type_ and payload.items() <= message["payload"].items():
                return message

    def send(self, type_: str, id_: str = "1", **payload: Value) -> None:
        self.sock.sendall(json.dumps({"id": id_, "type": type_, "payload": payload}).encode() + b"\n")

    def ask(self, type_: str, id_: str = "1", **payload: Value) -> dict[str, Value]:
        """Send a command and skip to its answer."""
        self.send(type_, id_, **payload)
        while (message := self.read()).get("request_id") != id_:
            pass
        return message

    def flood(self, data: bytes) -> None:
        """Send all of it and a command on a line of its own; forget what comes back until that is answered."""
        self.sock.setblocking(False)
        view = memoryview(data + b'\n{"id":"the-end","type":"health_check"}\n')
        received = b""
        while view or b"the-end" not in received:
            readable, writable, _ = select.select([self.sock], [self.sock] if view else [], [], PATIENCE_S)
            assert readable or writable, f"stuck with {len(view)} bytes left"
            if readable:
                piece = self.sock.recv(65536)
                if not piece:
                    raise EOFError
                received = received[-64:] + piece
            if writable:
                with contextlib.suppress(BlockingIOError):
                    view = view[self.sock.send(view) :]

    def close(self) -> None:
        self._file.close()
        self.sock.close()
