"""`create`: reserve all a sandbox needs, start nothing. Blocking; whole or nothing."""

import contextlib
import os
from datetime import UTC, datetime

import structlog

from cloche.errors import InternalError
from cloche.ids import SessionId
from cloche.process.cgroup import CgroupKind, GroupLimits
from cloche.sandbox.namespace import run_dir
from cloche.sandbox.namespace.config import NamespaceConfig
from cloche.sandbox.namespace.handle import NamespaceSandbox, Plan
from cloche.sandbox.namespace.host import Host
from cloche.sandbox.namespace.reasons import StartReason, start_error
from cloche.sandbox.spec import Limits, SandboxSpec

_log = structlog.get_logger(__name__)


def reserve(config: NamespaceConfig, host: Host, spec: SandboxSpec) -> NamespaceSandbox:
    """Make run directory, uid, guest socket, record and control group.

    Raises:
        StartError: with the reason; nothing of it remains.
    """
    host.programs()
    ground = host.ground(spec.engine)
    with contextlib.ExitStack() as undo:
        directory, own_uid = run_dir.reserve(config.run_dir, spec.session_id, host.own_uids())
        undo.callback(run_dir.remove, directory)
        listener = run_dir.listen(directory)
        undo.callback(listener.close)
        handle = NamespaceSandbox(
            session_id=spec.session_id,
            run_dir=directory,
            own_uid=own_uid,
            peer_uid=os.geteuid() if own_uid is None else own_uid,
            image_digest=ground.image.digest,
            created_at=datetime.now(UTC),
            group=host.cgroups().at(group_name(spec.session_id)),
            plan=Plan(
                spec=spec,
                image=ground.image,
                browser=ground.browser,
                shell=ground.shell if spec.machine else None,
                listener=listener,
            ),
        )
        # Written before the group is made: should the daemon die in between, the next one still finds both.
        run_dir.write_record(directory, handle.record())
        _make_group(handle, spec.limits)
        undo.pop_all()
    return handle


def group_name(session_id: SessionId) -> str:
    return f"cloche-{session_id}"


def limit(handle: NamespaceSandbox, limits: Limits) -> None:
    """Set the limits of a group that is there already. Raises: InternalError."""
    if handle.group.kind is CgroupKind.NONE:
        raise InternalError("there is no control group whose limits could be changed")
    try:
        handle.group.make(_of_group(limits))
    except OSError as error:
        raise InternalError("the kernel does not take the limits") from error


def _of_group(limits: Limits) -> GroupLimits:
    return GroupLimits(memory_bytes=limits.memory_bytes, processes=limits.processes, cpu_cores=limits.cpu_cores)


def _make_group(handle: NamespaceSandbox, limits: Limits) -> None:
    try:
        handle.group.make(_of_group(limits))
    except OSError as error:
        _log.error("cgroup_failed", session=handle.session_id, exc_info=error)
        raise start_error(StartReason.CGROUP_FAILED) from error
