"""`start`: spawn bubblewrap, put its init under the limits while it builds its walls, then let the agent run."""

import contextlib
import resource
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import structlog

from cloche.concurrency.threads import in_thread
from cloche.errors import InternalError
from cloche.process import oom
from cloche.process.cgroup import CgroupKind
from cloche.process.pidfd import ProcessHandle
from cloche.sandbox.namespace import members, places, run_dir
from cloche.sandbox.namespace.argv import SandboxFacts, build_argv, machine_environment
from cloche.sandbox.namespace.config import NamespaceConfig
from cloche.sandbox.namespace.handle import NamespaceSandbox, Plan, Processes
from cloche.sandbox.namespace.host import Host
from cloche.sandbox.namespace.launch import Launch, launch
from cloche.sandbox.namespace.reasons import StartReason, reason_of_death, start_error
from cloche.sandbox.spec import Limits
from cloche.wire.agent_config import AgentConfig, WatchdogConfig

_log = structlog.get_logger(__name__)

# -I: no environment, no user site; -S: no site at all. Both make the start shorter too. Naming the directory itself, or
# a module with -m, would load `runpy` first, 8 ms before the browser's start.
_RUN_AGENT: Final = (
    f"import sys; sys.path.insert(0, {places.AGENT!r}); from cloche.agent.main import main; sys.exit(main())"
)
_AGENT: Final = (places.PYTHON, "-I", "-S", "-c", _RUN_AGENT)


@dataclass(slots=True)
class Start:
    """One start of one sandbox; thrown away afterwards, whether it went well or not."""

    config: NamespaceConfig
    host: Host
    handle: NamespaceSandbox
    launched: Launch | None = None
    limits: Limits = field(default_factory=Limits)

    async def run(self) -> None:
        """Raises StartError with the reason; what has been spawned by then is in the handle, for the caller to end."""
        timeout_s = self.config.start_timeout_s
        try:
            launched = await in_thread(self._launch)
            pid = await launched.child_pid(timeout_s)
            if pid is None or not await in_thread(self._admit, pid):
                raise start_error(self._cause())
            if not await launched.release(timeout_s) or not self.handle.processes.are_alive():
                raise start_error(self._cause())
        finally:
            if self.launched is not None:
                self.launched.close()

    def _launch(self) -> Launch:
        plan = self.handle.plan
        if plan is None:
            raise InternalError("a sandbox cannot be started again")
        programs, limits = self.host.programs(), plan.spec.limits
        _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
        config = _completed(plan, self.handle)

        def argv(info_fd: int, block_fd: int, config_fd: int) -> list[str]:
            program = self.config.agent_argv or _AGENT
            facts = SandboxFacts(
                bwrap=programs.bwrap,
                setpriv=programs.setpriv,
                prlimit=programs.prlimit,
                own_uid=self.handle.own_uid,
                image=plan.image.path,
                browser_dir=plan.browser.directory,
                shell_dir=plan.shell.path if plan.shell is not None else None,
                link_dir=self.handle.run_dir.link_dir,
                shared_dirs=self.host.shared_directories(),
                disk_bytes=limits.disk_bytes,
                memory_bytes=limits.memory_bytes,
                open_files=min(limits.open_files, most_files),
                own_uid_processes=limits.processes if self._counts_by_rlimit() else None,
                info_fd=info_fd,
                block_fd=block_fd,
                command=(*program, "--config-fd", str(config_fd)),
            )
            return build_argv(facts)

        try:
            self.launched = launch(argv, config.encode(), (plan.listener.fileno(),))
        except OSError as error:
            _log.error("spawn_failed", session=self.handle.session_id, exc_info=error)
            raise start_error(StartReason.SPAWN_FAILED) from error
        self.handle.output = self.launched.output
        self.handle.processes = Processes(outer=self.launched.child.handle, child=self.launched.child)
        self.limits = limits
        # From here on the only listening descriptor is the sandbox's: when that is gone, dialling is refused.
        plan.listener.close()
        self.handle.plan = None
        # Moving takes some ten milliseconds; bubblewrap goes on meanwhile, up to where it waits for us.
        with self._limits_named():
            self.handle.group.attach(self.launched.child.handle.identity.pid)
        return self.launched

    def _admit(self, pid: int) -> bool:
        """Put the sandbox's init under its limits while it waits; False when it has died already."""
        outer, inner = self.handle.processes.outer, ProcessHandle.open_pid(pid)
        if inner is None:
            return False
        self.handle.processes.inner = inner
        if outer is None or members.parent_of(pid) != outer.identity.pid:
            return False
        with self._limits_named():
            # It is in already when bubblewrap made it after the outer process had been moved.
            if not self.handle.group.holds(pid):
                self.handle.group.attach(pid)
            if self._counts_by_rlimit() and self.handle.own_uid is None:
                _limit_processes(pid, self.limits.processes)
        # Before anything runs inside: all of it is forked from here, and none of it can go below what root writes.
        if not oom.set_score(pid, oom.SANDBOX):
            _log.warning("oom_score_not_set", session=self.handle.session_id)
        run_dir.write_record(self.handle.run_dir, self.handle.record())
        return True

    @contextlib.contextmanager
    def _limits_named(self) -> Iterator[None]:
        try:
            yield
        except ProcessLookupError:
            # It has died meanwhile, and whoever waits for it next will see that and find the cause.
            return
        except OSError as error:
            _log.error("cgroup_failed", session=self.handle.session_id, exc_info=error)
            raise start_error(StartReason.CGROUP_FAILED) from error

    def _counts_by_rlimit(self) -> bool:
        return self.handle.group.kind is CgroupKind.NONE

    def _cause(self) -> StartReason:
        output = self.handle.output
        return reason_of_death(output.tail() if output is not None else "")


def _completed(plan: Plan, handle: NamespaceSandbox) -> AgentConfig:
    """Add to the agent's configuration what only the driver knows."""
    given, limits = plan.spec.agent_config, plan.spec.limits
    browser, watchdog = given.browser, None
    if browser is not None:
        browser = browser._replace(executable=plan.browser.path_inside)
    kernel_limits = handle.group.kind is not CgroupKind.NONE
    if not kernel_limits:
        watchdog = WatchdogConfig(memory_bytes=limits.memory_bytes, processes=limits.processes)
    inside = f"{places.LINK}/{handle.run_dir.link_socket.name}"
    return given._replace(
        socket=inside,
        guest_fd=plan.listener.fileno(),
        browser=browser,
        watchdog=watchdog,
        machine_env=_machine_env(plan) if plan.spec.machine else {},
        owns_pid_namespace=True,
        memory_limit_bytes=limits.memory_bytes if kernel_limits else 0,
    )


def _machine_env(plan: Plan) -> dict[str, str]:
    return machine_environment(has_shell=plan.shell is not None) | plan.spec.agent_config.machine_env


def _limit_processes(pid: int, processes: int) -> None:
    """Limit the processes of a sandbox that has no uid of its own.

    Set only now, when its user namespace exists, so that it counts this sandbox's processes and not all of the
    uid's (user_namespaces(7), since Linux 5.14). RLIMIT_AS is no use for memory: V8 reserves far more than it takes.
    """
    resource.prlimit(pid, resource.RLIMIT_NPROC, (processes, processes))
