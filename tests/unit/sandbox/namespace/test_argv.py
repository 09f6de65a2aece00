from dataclasses import replace
from pathlib import Path

from cloche.sandbox.namespace.argv import SandboxFacts, build_argv, machine_environment

FACTS = SandboxFacts(
    bwrap="/usr/bin/bwrap",
    setpriv="/usr/bin/setpriv",
    prlimit="/usr/bin/prlimit",
    own_uid=2_000_000_007,
    image=Path("/state/runtime/abc"),
    browser_dir=Path("/usr/lib/chromium"),
    link_dir=Path("/run/cloche/ses_X/link"),
    shell_dir=None,
    shared_dirs=("/usr/share/fonts", "/etc/fonts"),
    disk_bytes=1000,
    memory_bytes=4000,
    open_files=512,
    own_uid_processes=None,
    info_fd=10,
    block_fd=11,
    command=("/opt/python/bin/python3", "agent.pyz", "--config-fd", "12"),
)

SNAPSHOT = """
/usr/bin/prlimit --nofile=512:512 --core=0:0 --
/usr/bin/setpriv --reuid 2000000007 --regid 2000000007 --clear-groups --inh-caps -all --no-new-privs --
/usr/bin/bwrap
--unshare-user --unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup
--uid 1000 --gid 1000 --hostname cloche
--cap-drop ALL --new-session
--ro-bind /state/runtime/abc /
--ro-bind /usr/lib/chromium /opt/chromium
--ro-bind /usr/share/fonts /usr/share/fonts
--ro-bind /etc/fonts /etc/fonts
--ro-bind /run/cloche/ses_X/link /run/cloche
--proc /proc
--dev /dev
--perms 1777 --size 2000 --tmpfs /dev/shm
--remount-ro /dev
--perms 0700 --size 1000 --tmpfs /data
--dir /data/downloads --dir /data/home --dir /data/policies --dir /data/policies/managed --dir /data/profile
--dir /data/staging --dir /data/tmp --dir /data/workspace
--clearenv
--setenv HOME /data/home
--setenv LANG C.UTF-8
--setenv PATH /opt/python/bin
--setenv TMPDIR /data/tmp
--setenv XDG_RUNTIME_DIR /data/tmp
--chdir /data
--lock-file /usr/share/cloche/image.lock
--info-fd 10 --block-fd 11
--
/opt/python/bin/python3 agent.pyz --config-fd 12
"""


def test_the_command_line_is_this_one() -> None:
    assert build_argv(FACTS) == SNAPSHOT.split()


def test_a_shell_is_one_read_only_mount_more_and_one_lock() -> None:
    argv = build_argv(replace(FACTS, shell_dir=Path("/state/runtime/shell-abc")))
    mount, lock = ["--ro-bind", "/state/runtime/shell-abc", "/opt/shell"], ["--lock-file", "/opt/shell/lock"]
    at = argv.index(mount[1]) - 1
    assert argv[at : at + 3] == mount
    del argv[at : at + 3]
    at = argv.index(lock[1]) - 1
    assert argv[at : at + 2] == lock
    del argv[at : at + 2]
    assert argv == build_argv(FACTS)


def test_programs_of_a_user_find_who_they_are_and_where_the_tools_are() -> None:
    assert machine_environment(has_shell=True) == {
        "HOME": "/data/home",
        "LANG": "C.UTF-8",
        "LOGNAME": "cloche",
        "PATH": "/opt/shell:/opt/python/bin",
        "SHELL": "/opt/shell/sh",
        "TMPDIR": "/data/tmp",
        "USER": "cloche",
    }
    assert "SHELL" not in machine_environment(has_shell=False)


def test_without_a_uid_of_its_own_nothing_becomes_anybody_else() -> None:
    argv = build_argv(replace(FACTS, own_uid=None, own_uid_processes=64))
    assert "/usr/bin/setpriv" not in argv
    # A limit by uid would count every sandbox of the daemon's user together.
    assert not [word for word in argv if word.startswith("--nproc")]


def test_where_no_group_counts_processes_the_uid_does() -> None:
    argv = build_argv(replace(FACTS, own_uid_processes=64))
    assert argv[:4] == ["/usr/bin/prlimit", "--nofile=512:512", "--core=0:0", "--nproc=64:64"]


def test_no_mount_but_memory_can_be_written() -> None:
    argv = build_argv(FACTS)
    assert not {"--bind", "--dev-bind", "--bind-try", "--share-net", "--die-with-parent"} & set(argv)
