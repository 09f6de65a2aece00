"""What the tests' agents say of themselves: over HTTP, and in the frames of the guest protocol."""

import asyncio
import socket
from typing import Any, Final

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.wire.frames import FrameDecoder, encode_frame, encode_json
from cloche.wire.guest import Answer, Tagged, Verb, error, parse_tagged

HEALTH: Final[dict[str, Any]] = {
    "status": "healthy",
    "browser_alive": True,
    "cpu_percent": 1.5,
    "memory_mb": 80.25,
    "uptime_seconds": 3.0,
    "pid": 2,
    "browser_pid": 3,
    "processes": 8,
    "restarts": 0,
    "cpu_seconds": 0.5,
    "limit_kills": 0,
    "programs": 0,
    "worker_status": "idle",
    "checks": False,
}
METRICS: Final[dict[str, Any]] = {
    "cpu_percent": 1.5,
    "memory_used_mb": 80.25,
    "memory_total_mb": 1024.0,
    "disk_used_mb": 2.0,
    "disk_total_mb": 512.0,
    "network_rx_mb": 0.5,
    "network_tx_mb": 0.25,
    "open_files": 120,
    "goroutines": 6,
}
PROBE: Final = {"name": "disk", "healthy": True, "detail": "ok", "checked_at": "2026-01-01T00:00:00Z"}
INTEGRATION: Final = {
    "name": "search",
    "status": {"error": "no index"},
    "last_checkpoint_at": None,
    "state_size_bytes": 0,
    "health": {"healthy": False, "detail": "no index", "checked_at": "2026-01-01T00:00:00Z"},
}


class GuestAnswers:
    """One agent's answers in frames; what a test sets in `answers` decides. Exec repeats what it was asked to run."""

    def __init__(self, *, exec_enabled: bool) -> None:
        self.requests: list[Tagged] = []
        self.answers: dict[str, Tagged | bytes | None] = {
            Verb.PING: Tagged(Answer.PONG),
            Verb.WORKER_STATUS: Tagged(Answer.WORKER_STATUS, {"status": "idle", "last_busy_at": None}),
            Verb.PROBE_STATUS: Tagged(Answer.PROBE_STATUS_REPORT, {"probes": [PROBE]}),
            Verb.INTEGRATION_STATUS: Tagged(Answer.INTEGRATION_STATUS_REPORT, {"integrations": [INTEGRATION]}),
        }
        """By verb: the answer, raw bytes in its place, or None to hang up."""
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Event()
        self.given_up = asyncio.Event()
        """Someone hung up before the answer."""
        self._exec_enabled = exec_enabled

    async def serve(self, connection: socket.socket) -> None:
        """Answer on a connection until it ends."""
        loop, decoder = asyncio.get_running_loop(), FrameDecoder()
        while data := await loop.sock_recv(connection, 65_536):
            decoder.feed(data)
            while (body := decoder.next_frame()) is not None:
                request = parse_tagged(body)
                self.requests.append(request)
                self.asked.set()
                answer = self._answer(request)
                if answer is None or not await self._may_answer(connection):
                    return
                await loop.sock_sendall(connection, answer)

    def _answer(self, request: Tagged) -> bytes | None:
        answer = self.answers.get(request.tag) if request.tag in self.answers else self._exec(request)
        return encode_frame(encode_json(answer.value())) if isinstance(answer, Tagged) else answer

    def _exec(self, request: Tagged) -> Tagged:
        if request.tag != Verb.EXEC:
            return error("unknown verb")
        if not self._exec_enabled:
            return error("Exec is off")
        fields = request.fields
        ran = fields["command"] if fields.get("argv") is None else "\n".join(fields["argv"])
        return Tagged(Answer.EXEC_RESULT, {"exit_code": 0, "stdout": ran, "stderr": fields.get("stdin") or ""})

    async def _may_answer(self, connection: socket.socket) -> bool:
        """Wait for the test's leave; False when whoever asked has hung up by then."""
        if self.may_answer.is_set():
            return True
        leave = spawn(self.may_answer.wait(), name="guest-leave")
        gone = spawn(asyncio.get_running_loop().sock_recv(connection, 1), name="guest-gone")
        try:
            await asyncio.wait({leave, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_and_wait(leave, gone)
        if not self.may_answer.is_set():
            self.given_up.set()
        return self.may_answer.is_set()
