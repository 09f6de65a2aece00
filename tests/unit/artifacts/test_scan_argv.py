"""The walls around a scanner's command."""

from pathlib import Path

from cloche.artifacts.scan_argv import ScanWalls, places_to_hide, scan_argv

WALLS = ScanWalls(bwrap="/b", prlimit="/p", setpriv="/s", hidden=(Path("/var/lib/cloche"),), cpu_s=31)


def test_the_command_line_is_this() -> None:
    argv = scan_argv(WALLS, ("/usr/bin/scan", "-"), exists=frozenset({"/tmp", "/run", "/var/lib/cloche"}))
    assert " ".join(argv) == (
        "/p --core=0:0 --cpu=31:31 --as=4294967296 --nofile=256:256 --fsize=268435456:268435456 --"
        " /s --reuid 65534 --regid 65534 --clear-groups --inh-caps -all --no-new-privs --"
        " /b --unshare-user --unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup"
        " --uid 65534 --gid 65534 --hostname scanner --cap-drop ALL --new-session --die-with-parent"
        " --ro-bind / / --proc /proc --dev /dev"
        " --perms 0755 --size 4096 --tmpfs /run --remount-ro /run"
        " --perms 1777 --size 268435456 --tmpfs /tmp"
        " --perms 0755 --size 4096 --tmpfs /var/lib/cloche --remount-ro /var/lib/cloche"
        " --clearenv --setenv PATH /usr/local/bin:/usr/bin:/bin --setenv LANG C.UTF-8 --chdir / --"
        " /usr/bin/scan -"
    )


def test_what_lies_in_a_hidden_place_is_not_hidden_once_more() -> None:
    walls = ScanWalls(
        bwrap="/b", prlimit="/p", setpriv=None, hidden=(Path("/run/cloche"), Path("/runs"), Path("/a")), cpu_s=1
    )
    argv = scan_argv(walls, ("/x",), exists=frozenset({"/run", "/run/cloche", "/runs", "/a", "/a/b"}))
    hidden = [argv[at + 1] for at, word in enumerate(argv) if word == "--tmpfs"]
    assert hidden == ["/a", "/run", "/runs"]


def test_who_is_not_root_stays_who_it_is() -> None:
    walls = ScanWalls(bwrap="/b", prlimit="/p", setpriv=None, hidden=(), cpu_s=1)
    argv = scan_argv(walls, ("/x",), exists=frozenset())
    assert "--reuid" not in argv and "--tmpfs" not in argv
    assert {"/run", "/home", "/root", "/tmp"} <= set(places_to_hide(walls))
