"""The command line of the encoder child, for each who may put up its walls."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from cloche.live.encoder_argv import Builder, EncoderWalls, PythonFiles, encoder_argv

FILES = PythonFiles(
    program=Path("/opt/py/bin/python3.11"),
    version="python3.11",
    library_dir="lib",
    standard_library=Path("/opt/py/lib/python3.11"),
    shared_library=Path("/opt/py/lib/libpython3.11.so.1.0"),
    av=Path("/srv/site-packages/av"),
    code=Path("/srv/cloche/live/encoder"),
    seccomp=Path("/srv/cloche/process/seccomp"),
)
WALLS = EncoderWalls(bwrap="/usr/bin/bwrap", builder=Builder.USER, setpriv="/usr/bin/setpriv", python=FILES)
EVERY = pytest.mark.parametrize("builder", Builder)


def argv(builder: Builder) -> list[str]:
    return encoder_argv(replace(WALLS, builder=builder), ["pictures", "7"])


def test_a_users_child_is_nobody_in_a_user_namespace() -> None:
    words = argv(Builder.USER)
    assert words == [
        *("/usr/bin/bwrap", "--unshare-user", "--uid", "65534", "--gid", "65534"),
        *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup"),
        *("--hostname", "encoder", "--cap-drop", "ALL", "--new-session", "--die-with-parent"),
        *("--perms", "0755", "--dir", "/usr", "--perms", "0755", "--dir", "/usr/local"),
        *("--perms", "0755", "--dir", "/etc", "--perms", "0755", "--dir", "/bin"),
        *("--perms", "0755", "--dir", "/python", "--perms", "0755", "--dir", "/python/bin"),
        *("--perms", "0755", "--dir", "/python/lib", "--perms", "0755", "--dir", "/python/shared"),
        *("--perms", "0755", "--dir", "/site", "--perms", "0755", "--dir", "/code"),
        *("--perms", "0755", "--dir", "/code/cloche", "--perms", "0755", "--dir", "/code/cloche/live"),
        *("--perms", "0755", "--dir", "/code/cloche/process"),
        *("--ro-bind-try", "/usr/lib", "/usr/lib", "--ro-bind-try", "/usr/lib64", "/usr/lib64"),
        *("--ro-bind-try", "/usr/local/lib", "/usr/local/lib", "--ro-bind-try", "/lib", "/lib"),
        *("--ro-bind-try", "/lib64", "/lib64", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"),
        *("--ro-bind", "/opt/py/bin/python3.11", "/python/bin/python3.11"),
        *("--ro-bind", "/opt/py/lib/python3.11", "/python/lib/python3.11"),
        *("--ro-bind", "/opt/py/lib/libpython3.11.so.1.0", "/python/shared/libpython3.11.so.1.0"),
        *("--ro-bind", "/srv/site-packages/av", "/site/av"),
        *("--ro-bind-try", "/srv/site-packages/av.libs", "/site/av.libs"),
        *("--ro-bind", "/srv/cloche/live/encoder", "/code/cloche/live/encoder"),
        *("--ro-bind", "/srv/cloche/process/seccomp", "/code/cloche/process/seccomp"),
        *("--remount-ro", "/", "--chdir", "/", "--clearenv", "--setenv", "LANG", "C.UTF-8"),
        *("--setenv", "LD_LIBRARY_PATH", "/python/shared", "--"),
        *("/python/bin/python3.11", "-I", "-S", "-B", "-c", words[-3], "pictures", "7"),
    ]


def test_roots_child_becomes_nobody_inside_without_any_capability() -> None:
    words = argv(Builder.ROOT)
    assert words[0] == "/usr/bin/bwrap"
    assert "--unshare-user" not in words
    caps = [(words[at], words[at + 1]) for at, word in enumerate(words) if word.startswith("--cap-")]
    assert caps == [("--cap-drop", "ALL"), ("--cap-add", "CAP_SETUID"), ("--cap-add", "CAP_SETGID")]
    command = words[words.index("--") + 1 :]
    assert command[: command.index("--") + 1] == [
        *("/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps", "-all"),
        *("--no-new-privs", "--"),
    ]


def test_root_who_may_not_mount_becomes_nobody_first() -> None:
    words = argv(Builder.NOBODY)
    assert words[0] == "/usr/bin/setpriv"
    assert words[words.index("--") + 1] == "/usr/bin/bwrap"
    assert "--unshare-user" in words
    assert not any(word == "--cap-add" for word in words)


@EVERY
def test_nothing_can_be_written_to_and_nothing_of_the_kernel_is_shown(builder: Builder) -> None:
    words = argv(builder)
    assert not {"--bind", "--dev-bind", "--tmpfs", "--proc", "--dev", "--share-net"} & set(words)
    assert ("--remount-ro", "/") in list(pairwise(words))
    for wall in ("--unshare-net", "--unshare-pid", "--unshare-ipc", "--clearenv", "--die-with-parent", "--new-session"):
        assert wall in words


@EVERY
def test_a_python_of_one_piece_needs_no_library_of_its_own(builder: Builder) -> None:
    files = replace(FILES, shared_library=None)
    words = encoder_argv(replace(WALLS, builder=builder, python=files), [])
    assert "LD_LIBRARY_PATH" not in words
    assert not any("libpython" in word for word in words)
