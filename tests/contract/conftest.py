"""The worlds in which drivers are tested: one of real namespaces, one of fakes."""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloche.ids import new_session_id
from cloche.sandbox.driver import Sandbox, SandboxDriver
from cloche.sandbox.namespace import members, places
from cloche.sandbox.namespace.config import NamespaceConfig
from cloche.sandbox.namespace.driver import NamespaceDriver
from cloche.sandbox.namespace.handle import NamespaceSandbox
from cloche.sandbox.namespace.shell import find_busybox
from cloche.sandbox.namespace.uid_range import UidRange
from cloche.sandbox.spec import Engine, Limits, SandboxSpec
from cloche.testing import leaks
from cloche.testing.driver import FakeDriver, FakeHost
from cloche.testing.driver_case import WAIT_S, DriverCase
from cloche.testing.surroundings import own_control_groups
from cloche.wire.agent_config import AgentConfig

INSIDE = Path(__file__).parents[1] / "data" / "sandbox" / "inside.py"


class NamespaceCase(DriverCase):
    """Real sandboxes. In place of the agent runs `inside.py`, which does what `ask` sends it."""

    def __init__(self, config: NamespaceConfig) -> None:
        self.config = config
        self.limits = Limits(memory_bytes=256 << 20, processes=64, disk_bytes=32 << 20, open_files=512)
        self.machine = False
        self._before = leaks.take()
        self._made: list[tuple[NamespaceDriver, Sandbox]] = []

    def new_driver(self) -> NamespaceDriver:
        return NamespaceDriver(self.config)

    async def running(self, driver: SandboxDriver) -> Sandbox:
        assert isinstance(driver, NamespaceDriver)
        sandbox = await driver.create(self.new_spec())
        self._made.append((driver, sandbox))
        await driver.start(sandbox)
        await self.until_up(driver, sandbox)
        return sandbox

    async def until_up(self, driver: SandboxDriver, sandbox: Sandbox) -> None:
        # The socket listens before anyone is there to answer: only an answer shows that the agent is up.
        assert await Inside(driver, sandbox)("result = config['session_id']") == sandbox.session_id

    async def clean_up(self) -> None:
        """Remove what a test that failed half-way has left, so that it does not take the next ones with it."""
        for driver, sandbox in self._made:
            await driver.destroy(sandbox)
        for description in await self.leftovers():
            driver = self.new_driver()
            await driver.destroy(await driver.adopt(description))

    def new_spec(self) -> SandboxSpec:
        session_id = new_session_id()
        agent_config = AgentConfig(session_id=session_id, token="a-secret-of-the-session")
        return SandboxSpec(session_id=session_id, limits=self.limits, machine=self.machine, agent_config=agent_config)

    async def leftovers(self) -> list[dict[str, Any]]:
        return await self.new_driver().leftovers()

    def traces(self) -> set[str]:
        directories = {f"directory {path.name}" for path in self.config.run_dir.glob("ses_*")}
        groups = {str(path) for parent in own_control_groups() for path in parent.glob("cloche-ses_*")}
        return directories | groups | set(self._processes()) | set(leaks.take().beyond(self._before))

    def _processes(self) -> Iterator[str]:
        """Whoever has a uid of this world, or names its run directory: also what no parent or namespace leads to."""
        for entry in Path("/proc").iterdir():
            try:
                command = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
                uid = entry.stat().st_uid
            except OSError:
                continue
            # Orphaned zombies wait for the machine's init; those of our own `leaks` sees.
            if not command:
                continue
            if uid in self.config.uid_range or os.fsencode(self.config.run_dir) in command:
                yield f"process {entry.name} {command[:60]!r}"

    async def crash(self, sandbox: Sandbox) -> None:
        assert isinstance(sandbox, NamespaceSandbox)
        assert sandbox.processes.inner is not None
        agent = await asyncio.to_thread(members.agent_of, sandbox.processes.inner.identity.pid)
        assert agent is not None
        agent.send(9)  # type: ignore[arg-type]
        agent.close()
        await self.until_dead(sandbox)

    async def until_dead(self, sandbox: Sandbox) -> None:
        """Bubblewrap's outer process ends a moment before the init does: it is told the exit code first."""
        assert isinstance(sandbox, NamespaceSandbox)
        for process in (sandbox.processes.outer, sandbox.processes.inner):
            assert process is not None
            assert await process.wait(WAIT_S)


class FakeCase(DriverCase):
    def __init__(self, root: Path) -> None:
        self.host = FakeHost(root)
        self._before = leaks.take()

    def new_driver(self) -> SandboxDriver:
        return FakeDriver(self.host)

    def new_spec(self) -> SandboxSpec:
        session_id = new_session_id()
        return SandboxSpec(session_id=session_id, agent_config=AgentConfig(session_id=session_id, token="token"))

    async def leftovers(self) -> list[dict[str, Any]]:
        return await FakeDriver(self.host).leftovers()

    def traces(self) -> set[str]:
        return {path.name for path in self.host.root.iterdir()} | set(leaks.take().beyond(self._before))

    async def crash(self, sandbox: Sandbox) -> None:
        self.host.end(sandbox.session_id)
        agent = self.host.sandboxes[sandbox.session_id].agent
        assert agent is not None
        await asyncio.wait([agent])


@pytest.fixture(scope="session")
def ground() -> Iterator[Path]:
    """A short path that a sandbox's own uid can walk to: `state`, whose image is built once, and `browser`."""
    root = Path(tempfile.mkdtemp(prefix="ns-"))
    root.chmod(0o711)
    (root / "browser").mkdir(mode=0o755)
    for name in ("chromium-headless-shell", "inside.py"):
        shutil.copy(INSIDE, root / "browser" / name)
        (root / "browser" / name).chmod(0o755)
    yield root
    shutil.rmtree(root)


@pytest.fixture
def namespace_config(ground: Path) -> Iterator[NamespaceConfig]:
    run_dir = Path(tempfile.mkdtemp(prefix="run-"))
    run_dir.chmod(0o711)
    yield NamespaceConfig(
        run_dir=run_dir,
        state_dir=ground / "state",
        engines={Engine.SHELL: ground / "browser" / "chromium-headless-shell"},
        # A range of this process alone, so that whoever has a uid of it is of this run.
        uid_range=UidRange(first=2_001_000_000 + os.getpid() % 10_000 * 100, count=100),
        agent_argv=(places.PYTHON, "-I", "-S", f"{places.BROWSER}/inside.py"),
    )
    shutil.rmtree(run_dir)


@pytest.fixture
async def namespace_case(namespace_config: NamespaceConfig) -> AsyncIterator[NamespaceCase]:
    driver = NamespaceDriver(namespace_config)
    await driver.prepare()
    case = NamespaceCase(namespace_config)
    yield case
    await case.clean_up()


@pytest.fixture
async def fake_case() -> AsyncIterator[FakeCase]:
    with tempfile.TemporaryDirectory(prefix="f-") as root:
        yield FakeCase(Path(root))


class Inside:
    """`await inside(code)` runs code in the sandbox and returns what it set `result` to."""

    def __init__(self, driver: SandboxDriver, sandbox: Sandbox) -> None:
        self.driver = driver
        self.sandbox = sandbox

    async def __call__(self, code: str) -> Any:
        connected = await self.driver.connect(self.sandbox)
        reader, writer = await asyncio.open_unix_connection(sock=connected, limit=8 << 20)
        try:
            writer.write(json.dumps({"code": code}).encode() + b"\n")
            async with asyncio.timeout(30):
                reply = json.loads(await reader.readline())
        finally:
            writer.close()
            await writer.wait_closed()
        assert "error" not in reply, reply["error"]
        return reply["result"]


@pytest.fixture
async def inside(namespace_case: NamespaceCase) -> AsyncIterator[Inside]:
    """One running sandbox and a way to look around in it."""
    driver = namespace_case.new_driver()
    sandbox = await namespace_case.running(driver)
    yield Inside(driver, sandbox)
    await driver.destroy(sandbox)


@pytest.fixture
async def machine(namespace_case: NamespaceCase) -> AsyncIterator[Inside]:
    """One running sandbox of a session made with `machine`, which has a shell."""
    if await asyncio.to_thread(find_busybox, namespace_case.config.busybox) is None:
        pytest.skip("needs busybox-static (cloche doctor: shell)")
    namespace_case.machine = True
    driver = namespace_case.new_driver()
    sandbox = await namespace_case.running(driver)
    yield Inside(driver, sandbox)
    await driver.destroy(sandbox)


@pytest.fixture
def make_inside() -> type[Inside]:
    return Inside


@pytest.fixture
def with_limits(namespace_case: NamespaceCase) -> Any:
    """Change the limits of sandboxes that the case makes from here on."""

    def change(**limits: Any) -> None:
        namespace_case.limits = replace(namespace_case.limits, **limits)

    return change
