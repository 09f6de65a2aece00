"""The verbs over bubblewrap. What each wall is for stands in docs/reference/namespace-driver.md."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any, Final

import structlog

from cloche.concurrency.tasks import spawn
from cloche.concurrency.threads import in_thread, settled, to_the_end
from cloche.errors import InternalError, LostError, StartError
from cloche.ids import SessionId
from cloche.sandbox.driver import Observation, Sandbox, SandboxDriver, SandboxState, Usage
from cloche.sandbox.namespace import creation, ending, freezing, recovery
from cloche.sandbox.namespace.config import NamespaceConfig
from cloche.sandbox.namespace.handle import DRIVER_NAME, NamespaceSandbox
from cloche.sandbox.namespace.host import Host
from cloche.sandbox.namespace.run_dir import RunDir
from cloche.sandbox.namespace.starting import Start
from cloche.sandbox.spec import Limits, SandboxSpec

_log = structlog.get_logger(__name__)

_CONNECT_TIMEOUT_S: Final = 5.0
_CONNECT_PAUSE_S: Final = 0.01


class NamespaceDriver(SandboxDriver):
    """Owned by the composition root. Remembers handles only to answer a repeated `create` with the same one."""

    name = DRIVER_NAME
    passes_descriptors = True

    def __init__(self, config: NamespaceConfig) -> None:
        self._config = config
        self._host = Host(config)
        self._created: dict[SessionId, NamespaceSandbox] = {}

    async def prepare(self) -> None:
        """Do before the first session what can be done before: find the limits, build the root image.

        Raises:
            StartError: as `create` would; the daemon may go on, since a later `create` tries again.
        """
        await in_thread(self._host.cgroups)
        await in_thread(self._host.programs)
        for engine in self._config.engines:
            await in_thread(self._host.ground, engine)

    async def leftovers(self) -> list[dict[str, Any]]:
        """Descriptions of what earlier daemons left in the run directory; each can be given to `adopt`."""
        return await in_thread(recovery.leftovers, self._config)

    async def create(self, spec: SandboxSpec) -> Sandbox:
        if (known := self._created.get(spec.session_id)) is not None:
            return known
        # Beside it, and not waited for: `start` moves a process into the group some milliseconds from now.
        priming = spawn(in_thread(lambda: self._host.cgroups().prime()), name="prime-cgroups")
        try:
            await in_thread(self._create, spec)
        except BaseException as error:
            await settled(priming)
            if isinstance(error, asyncio.CancelledError) and (made := self._created.pop(spec.session_id, None)):
                await in_thread(ending.remove, made)
            raise
        handle = self._created[spec.session_id]
        handle.priming = priming
        return handle

    def _create(self, spec: SandboxSpec) -> None:
        self._created[spec.session_id] = creation.reserve(self._config, self._host, spec)

    async def start(self, sandbox: Sandbox) -> None:
        handle = _own(sandbox)
        async with handle.lock:
            if handle.is_removed:
                raise LostError("the sandbox has been removed")
            if handle.was_started:
                return
            handle.was_started = True
            try:
                await Start(self._config, self._host, handle).run()
            except StartError as error:
                _log.warning(
                    "sandbox_not_started", session=handle.session_id, reason=error.reason, output=_tail(handle)
                )
                await to_the_end(ending.kill(handle), name="end-failed-start")
                raise

    async def stop(self, sandbox: Sandbox, *, grace_s: float) -> None:
        handle = _own(sandbox)
        async with handle.lock:
            if handle.was_started and not handle.is_removed:
                hurry = asyncio.Event()
                await to_the_end(ending.stop(handle, grace_s, hurry), name="stop-sandbox", hurry=hurry)

    async def destroy(self, sandbox: Sandbox) -> None:
        handle = _own(sandbox)
        async with handle.lock:
            if not handle.is_removed:
                await to_the_end(self._destroy(handle), name="destroy-sandbox")

    async def _destroy(self, handle: NamespaceSandbox) -> None:
        await ending.kill(handle)
        await settled(handle.priming)
        await in_thread(ending.remove, handle)
        self._created.pop(handle.session_id, None)

    async def freeze(self, sandbox: Sandbox) -> None:
        handle = _own(sandbox)
        async with handle.lock:
            if not handle.was_started or handle.is_removed:
                raise LostError("the sandbox is not running")
            await in_thread(freezing.freeze, handle)

    async def thaw(self, sandbox: Sandbox) -> Observation:
        handle = _own(sandbox)
        async with handle.lock:
            return await in_thread(_thaw, handle)

    async def reclaim(self, sandbox: Sandbox) -> None:
        await in_thread(_own(sandbox).group.reclaim)

    async def limit(self, sandbox: Sandbox, limits: Limits) -> None:
        handle = _own(sandbox)
        async with handle.lock:
            if not handle.was_started or handle.is_removed:
                raise LostError("the sandbox is not running")
            await in_thread(creation.limit, handle, limits)

    async def poll(self, sandbox: Sandbox) -> Observation:
        return await in_thread(_observe, _own(sandbox))

    def describe(self, sandbox: Sandbox) -> dict[str, Any]:
        return _own(sandbox).record()

    async def adopt(self, description: Mapping[str, Any]) -> Sandbox:
        adopted: list[NamespaceSandbox] = []
        try:
            await in_thread(lambda: adopted.append(recovery.adopt(self._config, self._host, description)))
        except asyncio.CancelledError:
            for handle in adopted:
                handle.close_descriptors()
            raise
        return adopted[0]

    async def connect(self, sandbox: Sandbox) -> socket.socket:
        handle = _own(sandbox)
        # Before the start it is this daemon that listens, and nobody would ever answer.
        if not handle.was_started or handle.is_removed:
            raise LostError("the sandbox is not running")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _CONNECT_TIMEOUT_S
        while (connected := _dial(handle.run_dir)) is None:
            # A full backlog gives EAGAIN on a unix socket, and no event tells when it has room (connect(2)).
            if loop.time() > deadline:
                raise LostError("the agent does not accept connections")
            await asyncio.sleep(_CONNECT_PAUSE_S)
        return connected


def _own(sandbox: Sandbox) -> NamespaceSandbox:
    if not isinstance(sandbox, NamespaceSandbox):
        raise InternalError("a sandbox was handed to a driver that did not make it")
    return sandbox


def _dial(run_dir: RunDir) -> socket.socket | None:
    """Connect without waiting; None when the backlog is full. Raises LostError."""
    dialled = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        dialled.connect(str(run_dir.guest_socket))
    except BlockingIOError:
        dialled.close()
        return None
    except OSError as error:
        dialled.close()
        raise LostError("the sandbox is not running") from error
    return dialled


def _thaw(handle: NamespaceSandbox) -> Observation:
    if handle.was_started and not handle.is_removed:
        freezing.thaw(handle)
    return _observe(handle)


def _observe(handle: NamespaceSandbox) -> Observation:
    if handle.is_removed:
        return Observation(SandboxState.GONE)
    if not handle.was_started:
        return Observation(SandboxState.CREATED)
    counted = handle.group.usage()
    usage = Usage(
        memory_bytes=counted.memory_bytes,
        memory_peak_bytes=counted.memory_peak_bytes,
        cpu_seconds=counted.cpu_seconds,
        processes=counted.processes,
        out_of_memory_kills=counted.out_of_memory_kills,
    )
    if handle.processes.are_alive():
        return Observation(SandboxState.RUNNING, usage=usage, is_frozen=freezing.is_frozen(handle))
    code = handle.processes.exit_code()
    reason = _reason(code, counted.out_of_memory_kills)
    if not handle.death_was_logged:
        handle.death_was_logged = True
        _log.info("sandbox_ended", session=handle.session_id, exit_code=code, reason=reason, output=_tail(handle))
    return Observation(SandboxState.EXITED, code, reason, usage)


def _reason(exit_code: int | None, out_of_memory_kills: int) -> str:
    was_killed = exit_code is None or exit_code > 128  # 128 + n: ended by signal n
    if was_killed and out_of_memory_kills:
        return "out_of_memory"
    return "killed" if exit_code is not None and was_killed else "exited"


def _tail(handle: NamespaceSandbox) -> str:
    return handle.output.tail() if handle.output is not None else ""
