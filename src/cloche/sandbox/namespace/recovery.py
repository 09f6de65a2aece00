"""`adopt`, and finding what an earlier daemon left. Blocking."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cloche.errors import InvalidError, LostError
from cloche.ids import SessionId, parse_session_id
from cloche.process.cgroup import CgroupKind, reopen
from cloche.process.output import SealedOutput
from cloche.process.pidfd import ProcessHandle, parse_identity
from cloche.sandbox.namespace import run_dir
from cloche.sandbox.namespace.config import NamespaceConfig
from cloche.sandbox.namespace.creation import group_name
from cloche.sandbox.namespace.handle import DRIVER_NAME, NamespaceSandbox, Processes
from cloche.sandbox.namespace.host import Host
from cloche.sandbox.namespace.run_dir import RunDir


def leftovers(config: NamespaceConfig) -> list[dict[str, Any]]:
    """Descriptions of every sandbox that has a run directory here: each can be given to `adopt`.

    A directory whose record was never written still counts: it may hold a uid and a group.
    """
    found: list[dict[str, Any]] = []
    for session_id in run_dir.listed(config.run_dir):
        record = run_dir.read_record(RunDir(config.run_dir / session_id)) or {}
        found.append(record | {"driver": DRIVER_NAME, "session_id": session_id})
    return found


def adopt(config: NamespaceConfig, host: Host, description: Mapping[str, Any]) -> NamespaceSandbox:
    """Build a handle from a description, dead or alive.

    Every path is made anew from the session's id; of the description only identities and the group are believed.

    Raises:
        LostError: it is not a description of ours, or the directory is gone.
    """
    session_id = _session_of(description)
    directory = RunDir(config.run_dir / session_id)
    try:
        status = directory.path.stat(follow_symlinks=False)
    except FileNotFoundError:
        raise LostError("nothing is left of the sandbox") from None
    # The newest record wins: the description may have been taken before the sandbox was started.
    facts = {**description, **(run_dir.read_record(directory) or {})}
    group = reopen(facts.get("cgroup"))
    if group.kind is CgroupKind.NONE:
        group = host.cgroups().at(group_name(session_id))
    own_uid = status.st_gid if status.st_gid in config.uid_range else None
    processes = Processes(outer=_pinned(facts.get("outer")), inner=_pinned(facts.get("inner")))
    return NamespaceSandbox(
        session_id=session_id,
        run_dir=directory,
        own_uid=own_uid,
        peer_uid=status.st_uid if own_uid is None else own_uid,
        image_digest=str(facts.get("image", "")),
        created_at=_time(facts.get("created_at")),
        group=group,
        processes=processes,
        output=SealedOutput.of_process(processes.outer.identity.pid) if processes.outer is not None else None,
        # Without the secret in its configuration it can never be started again, only looked at and removed.
        was_started=True,
    )


def _session_of(description: Mapping[str, Any]) -> SessionId:
    if description.get("driver") != DRIVER_NAME:
        raise LostError("this is not a sandbox of the namespace driver")
    try:
        return parse_session_id(str(description.get("session_id")))
    except InvalidError:
        raise LostError("the description names no session") from None


def _pinned(value: object) -> ProcessHandle | None:
    identity = parse_identity(value)
    return None if identity is None else ProcessHandle.open(identity)


def _time(value: object) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return datetime.now(UTC)
