"""From facts to the whole command line of a sandbox. Pure; the snapshot in its test is what runs.

    prlimit (limits per process) → setpriv (only as root: become the sandbox's own uid) → bwrap (the walls) → the agent

setpriv comes before bwrap, so bubblewrap never runs with privileges: it makes a user namespace and works inside it.
prlimit(1) is used, and not prlimit(2) from the daemon, because root in a container often lacks CAP_SYS_RESOURCE.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloche.sandbox.namespace import places

ENVIRONMENT: Final = {
    "HOME": "/data/home",
    "LANG": "C.UTF-8",
    "PATH": "/opt/python/bin",
    "TMPDIR": "/data/tmp",
    "XDG_RUNTIME_DIR": "/data/tmp",
}
"""The agent's; the browser's own is in its `BrowserConfig.env`, that of a user's programs is `machine_environment`."""


def machine_environment(*, has_shell: bool) -> dict[str, str]:
    """What a user's programs find, beside what the user adds. No TERM: only who asks for a terminal has one."""
    return {
        "HOME": "/data/home",
        "LANG": "C.UTF-8",
        "LOGNAME": places.USER,
        "PATH": f"{places.SHELL}:/opt/python/bin",
        "TMPDIR": "/data/tmp",
        "USER": places.USER,
    } | ({"SHELL": f"{places.SHELL}/sh"} if has_shell else {})


_NAMESPACES: Final = (
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-uts",
    "--unshare-cgroup",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxFacts:
    """What decides a command line. Descriptors are numbers the child inherits."""

    bwrap: str
    setpriv: str
    prlimit: str
    own_uid: int | None
    """The host uid to become; None: stay who we are."""
    image: Path
    browser_dir: Path
    link_dir: Path
    shell_dir: Path | None
    """Bound where a session was made with `machine`."""
    shared_dirs: tuple[str, ...]
    disk_bytes: int
    memory_bytes: int
    open_files: int
    own_uid_processes: int | None
    """Limit of processes of the own uid, where no control group limits them."""
    info_fd: int
    block_fd: int
    command: tuple[str, ...]


def build_argv(facts: SandboxFacts) -> list[str]:
    """Render the command line."""
    return [
        *_limit(facts),
        *_become(facts),
        facts.bwrap,
        *_NAMESPACES,
        *("--uid", str(places.UID), "--gid", str(places.UID), "--hostname", places.HOSTNAME),
        *("--cap-drop", "ALL", "--new-session"),
        *_mounts(facts),
        "--clearenv",
        *(word for name, value in ENVIRONMENT.items() for word in ("--setenv", name, value)),
        *("--chdir", places.DATA),
        *("--lock-file", places.LOCK),
        *(("--lock-file", places.SHELL_LOCK) if facts.shell_dir is not None else ()),
        *("--info-fd", str(facts.info_fd), "--block-fd", str(facts.block_fd)),
        "--",
        *facts.command,
    ]


def _limit(facts: SandboxFacts) -> list[str]:
    words = [facts.prlimit, f"--nofile={facts.open_files}:{facts.open_files}", "--core=0:0"]
    if facts.own_uid is not None and facts.own_uid_processes is not None:
        words.append(f"--nproc={facts.own_uid_processes}:{facts.own_uid_processes}")
    return [*words, "--"]


def _become(facts: SandboxFacts) -> list[str]:
    if facts.own_uid is None:
        return []
    uid = str(facts.own_uid)
    # No inheritable capabilities and no supplementary groups come along; the group is the sandbox's own too.
    return [
        facts.setpriv,
        "--reuid",
        uid,
        "--regid",
        uid,
        "--clear-groups",
        "--inh-caps",
        "-all",
        "--no-new-privs",
        "--",
    ]


def _mounts(facts: SandboxFacts) -> list[str]:
    """Read-only all over but for two memory file systems of bounded size."""
    return [
        *("--ro-bind", str(facts.image), "/"),
        *("--ro-bind", str(facts.browser_dir), places.BROWSER),
        *(("--ro-bind", str(facts.shell_dir), places.SHELL) if facts.shell_dir is not None else ()),
        *(word for directory in facts.shared_dirs for word in ("--ro-bind", directory, directory)),
        *("--ro-bind", str(facts.link_dir), places.LINK),
        *("--proc", "/proc"),
        *("--dev", "/dev"),
        # Chromium shares memory through /dev/shm; half of what it may have is more than it ever uses there.
        *("--perms", "1777", "--size", str(facts.memory_bytes // 2), "--tmpfs", "/dev/shm"),  # noqa: S108
        *("--remount-ro", "/dev"),
        *("--perms", "0700", "--size", str(facts.disk_bytes), "--tmpfs", places.DATA),
        *(word for name in places.DATA_DIRECTORIES for word in ("--dir", f"{places.DATA}/{name}")),
    ]
