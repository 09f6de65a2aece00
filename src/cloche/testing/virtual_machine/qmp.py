"""A client of QEMU's monitor protocol (QMP): lines of JSON; a greeting, then commands, their returns, and events."""

import json
import socket
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

PATIENCE_S: Final = 60.0


class QmpError(RuntimeError):
    """QEMU would not do it; the message is its own."""


class Qmp:
    """One conversation, over a socket that is connected already. Owns the socket; blocks."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.settimeout(PATIENCE_S)
        self._file = connection.makefile("rb")
        self._events: deque[dict[str, Any]] = deque()

    def greet(self) -> None:
        """Read QEMU's greeting and leave the negotiation, before which it takes no command."""
        assert "QMP" in self._read()
        self.execute("qmp_capabilities")

    def execute(self, command: str, arguments: Mapping[str, object] | None = None) -> Any:
        """Run a command and return what it returns; events that come before are kept.

        Raises:
            QmpError: QEMU refuses.
        """
        request = {"execute": command, "arguments": arguments or {}}
        self._connection.sendall(json.dumps(request).encode() + b"\n")
        while True:
            message = self._read()
            if "error" in message:
                raise QmpError(f"{command}: {message['error']['desc']}")
            if "return" in message:
                return message["return"]
            self._events.append(message)

    def wait_for(self, event: str) -> dict[str, Any]:
        """Return the next event of this name that has not been returned yet; events before it are dropped."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            message = self._events.popleft() if self._events else self._read()
            if message.get("event") == event:
                return message
        raise TimeoutError(f"{event} did not come")

    def close(self) -> None:
        self._file.close()
        self._connection.close()

    def _read(self) -> dict[str, Any]:
        line = self._file.readline()
        if not line:
            raise EOFError("QEMU has hung up")
        message: dict[str, Any] = json.loads(line)
        return message
