"""What can be seen and done from inside a sandbox, asked from inside."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from cloche.sandbox.driver import Sandbox
from cloche.sandbox.namespace import places
from cloche.sandbox.namespace.driver import NamespaceDriver
from cloche.sandbox.namespace.handle import NamespaceSandbox

LISTING = "import os; result = sorted(os.listdir({path!r}))"
DIAL = """
import socket
with socket.socket() as s:
    s.settimeout(2)
    result = s.connect_ex(("127.0.0.1", {port}))
"""


async def test_the_root_holds_nothing_but_the_image(inside: Any) -> None:
    assert set(await inside(LISTING.format(path="/"))) <= {
        *("bin", "data", "dev", "etc", "lib", "lib64", "opt", "proc", "profile", "run", "tmp", "usr", "var"),
        "workspace",
    }
    assert await inside(LISTING.format(path="/opt")) == ["chromium", "python", "shell"]
    assert await inside(LISTING.format(path="/run")) == ["cloche"]
    assert set(await inside(LISTING.format(path="/etc"))) == {
        *("chromium", "fonts", "group", "hostname", "hosts", "machine-id", "nsswitch.conf", "passwd", "resolv.conf"),
    }


async def test_nothing_of_the_host_is_visible(inside: Any) -> None:
    absent = ["/root", "/home", "/sys", "/boot", "/mnt", "/var/lib", "/var/log", "/etc/shadow", "/etc/ssl"]
    code = f"import os; result = [p for p in {absent!r} if os.path.isdir(p) and os.listdir(p) or os.path.isfile(p)]"
    assert await inside(code) == []
    passwd = await inside("result = open('/etc/passwd').read()")
    assert [line.split(":")[0] for line in passwd.splitlines()] == ["root", "cloche"]
    assert await inside("import socket; result = socket.gethostname()") == "cloche"


async def test_no_shell_and_no_tool_is_there_to_run(inside: Any) -> None:
    code = """
import os
result = []
for directory, _, files in os.walk("/"):
    if not directory.startswith(("/proc", "/dev", "/opt/chromium")):
        result += [f"{directory}/{f}" for f in files if os.access(f"{directory}/{f}", os.X_OK) and ".so" not in f]
"""
    programs = await inside(code)
    assert programs == ["/opt/python/bin/python3"]
    assert await inside(LISTING.format(path="/opt/shell")) == []
    # The names that scripts begin with are there and lead nowhere.
    assert await inside(LISTING.format(path="/usr/bin")) == ["env", "sh"]
    code = "import os; result = [os.path.exists(p) for p in ('/bin/sh', '/usr/bin/sh', '/usr/bin/env')]"
    assert await inside(code) == [False, False, False]


async def test_the_environment_is_an_allow_list(
    monkeypatch: pytest.MonkeyPatch, namespace_case: Any, make_inside: Any
) -> None:
    monkeypatch.setenv("CLOCHE_STATE_KEY", "canary")
    driver = namespace_case.new_driver()
    sandbox = await namespace_case.running(driver)
    environment = await make_inside(driver, sandbox)("import os; result = dict(os.environ)")
    await driver.destroy(sandbox)
    assert set(environment) <= {"HOME", "LANG", "PATH", "TMPDIR", "XDG_RUNTIME_DIR", "PWD"}


async def test_the_secret_is_in_no_file_environment_or_command_line(inside: Any) -> None:
    assert await inside("result = config['token']") == "a-secret-of-the-session"
    assert "secret" not in await inside("result = open('/proc/self/cmdline').read()")
    run_dir = inside.sandbox.run_dir.path
    held = await asyncio.to_thread(lambda: [p.read_text() for p in run_dir.rglob("*") if p.is_file()])
    assert held and not any("secret" in text for text in held)


async def test_only_the_data_directory_can_be_written(inside: Any) -> None:
    code = """
import os
result = []
for directory, _, _ in os.walk("/"):
    if directory.startswith("/proc"):
        continue
    try:
        open(directory + "/probe", "w").close()
        result.append(directory)
    except OSError:
        pass
"""
    writable = await inside(code)
    outside = [path for path in writable if not path.startswith(("/data", "/dev/shm"))]
    assert outside == []
    assert {"/data", *(f"/data/{name}" for name in places.DATA_DIRECTORIES)} <= set(writable)


async def test_nothing_written_inside_reaches_the_hosts_disk(inside: Any, namespace_case: Any) -> None:
    await inside("open('/tmp/probe', 'w').write('x'); open('/workspace/probe', 'w').write('x')")
    found = await asyncio.to_thread(lambda: list(namespace_case.config.run_dir.rglob("probe")))
    assert found == []


async def test_there_is_no_network_but_loopback(inside: Any) -> None:
    assert await inside("import socket; result = [name for _, name in socket.if_nameindex()]") == ["lo"]
    code = """
import socket
result = []
for address in ("93.184.215.14", "10.0.0.1", "169.254.169.254", "8.8.8.8"):
    with socket.socket() as s:
        s.settimeout(2)
        result.append(s.connect_ex((address, 80)))
"""
    assert set(await inside(code)) == {101}  # ENETUNREACH
    assert (
        await inside("import socket\ntry: socket.getaddrinfo('example.com', 80)\nexcept OSError: result = 'none'")
        == "none"
    )


async def test_the_hosts_loopback_is_another_one(inside: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert await inside(DIAL.format(port=port)) == 111  # ECONNREFUSED


async def test_every_namespace_is_its_own(inside: Any) -> None:
    kinds = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"]
    seen = await inside(f"import os; result = [os.readlink('/proc/self/ns/' + k) for k in {kinds!r}]")
    ours = [os.readlink(f"/proc/self/ns/{kind}") for kind in kinds]
    assert [kind for kind, there, here in zip(kinds, seen, ours, strict=True) if there == here] == []


async def test_only_its_own_processes_can_be_seen(inside: Any) -> None:
    code = "import os; result = sorted(int(n) for n in os.listdir('/proc') if n.isdigit())"
    assert await inside(code) == [1, 2]


async def test_it_has_no_capability_and_cannot_gain_one(inside: Any) -> None:
    status = await inside("result = open('/proc/self/status').read()")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(facts[name], 16) == 0
    assert facts["NoNewPrivs"] == "1"


async def test_it_inherits_no_descriptor_but_the_ones_meant_for_it(inside: Any) -> None:
    code = """
import os
result = {}
for n in os.listdir("/proc/self/fd"):
    try:
        result[int(n)] = os.readlink("/proc/self/fd/" + n)
    except OSError:
        pass
"""
    config_fd = int(await inside("import sys; result = sys.argv[-1]"))
    guest_fd = await inside("result = config['guest_fd']")
    held = {int(number): target for number, target in (await inside(code)).items()}
    # The connection this question came over is the one more; its number is whatever was free.
    known = {0, 1, 2, config_fd, guest_fd}
    assert known <= set(held)
    assert all(target.startswith("socket:") for number, target in held.items() if number not in known)
    assert held[0] == "/dev/null"
    assert held[1].startswith("/memfd:output")
    assert not [target for target in held.values() if target.startswith("pipe:")]


async def test_each_sandbox_has_a_host_uid_of_its_own(namespace_case: Any) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: without it every sandbox runs as the daemon's user (cloche doctor: own_uids)")
    driver = namespace_case.new_driver()
    sandboxes = [await namespace_case.running(driver) for _ in range(3)]
    uids = [uid_on_the_host(sandbox) for sandbox in sandboxes]
    peers = [sandbox.peer_uid for sandbox in sandboxes]
    for sandbox in sandboxes:
        await driver.destroy(sandbox)
    assert len(set(uids)) == 3
    assert uids == peers
    assert all(uid in namespace_case.config.uid_range for uid in uids)


def uid_on_the_host(sandbox: Sandbox) -> int:
    assert isinstance(sandbox, NamespaceSandbox)
    assert sandbox.processes.inner is not None
    return os.stat(f"/proc/{sandbox.processes.inner.identity.pid}").st_uid


async def test_the_run_directory_is_closed_to_everyone_else(inside: Any) -> None:
    run_dir: Path = inside.sandbox.run_dir.path
    modes = await asyncio.to_thread(lambda: [path.stat().st_mode & 0o007 for path in (run_dir, run_dir / "link")])
    assert modes == [0, 0]
    record, guest = await asyncio.to_thread(
        lambda: [(run_dir / name).stat().st_mode & 0o077 for name in ("sandbox.json", "guest.sock")]
    )
    assert (record, guest) == (0, 0)


async def test_what_the_daemon_dials_cannot_be_replaced_from_inside(inside: Any) -> None:
    code = """
import os, socket
result = []
for action in (
    lambda: os.unlink("/run/cloche/agent.sock"),
    lambda: os.rename("/run/cloche", "/run/other"),
    lambda: socket.socket(socket.AF_UNIX).bind("/run/cloche/guest.sock"),
):
    try:
        action()
    except OSError as error:
        result.append(error.errno)
"""
    with socket.socket(socket.AF_UNIX) as listener:
        await asyncio.to_thread(listener.bind, str(inside.sandbox.link_path))
        refusals = await inside(code)
    assert len(refusals) == 3
    assert await inside(LISTING.format(path="/run/cloche")) == ["agent.sock"]


async def test_the_agent_can_dial_the_hosts_link_and_is_known_by_its_uid(inside: Any) -> None:
    path = inside.sandbox.link_path
    with socket.socket(socket.AF_UNIX) as listener:
        await asyncio.to_thread(listener.bind, str(path))
        await asyncio.to_thread(path.chmod, 0o666)
        listener.listen()
        listener.setblocking(False)
        accepting = asyncio.get_running_loop().sock_accept(listener)
        code = "import socket; s = socket.socket(socket.AF_UNIX); s.connect(config['socket']); result = True; s.close()"
        (accepted, _), dialled = await asyncio.wait_for(asyncio.gather(accepting, inside(code)), 5)
        with accepted:
            credentials = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    assert dialled is True
    assert int.from_bytes(credentials[4:8], "little") == inside.sandbox.peer_uid


async def test_two_sandboxes_cannot_see_each_other(namespace_case: Any, make_inside: Any) -> None:
    driver: NamespaceDriver = namespace_case.new_driver()
    one, two = await namespace_case.running(driver), await namespace_case.running(driver)
    first, second = make_inside(driver, one), make_inside(driver, two)
    await first("open('/data/mine', 'w').write('x')")
    assert "mine" not in await second(LISTING.format(path="/data"))
    port = await first(
        "import builtins, socket\n"
        "builtins.kept = socket.create_server(('127.0.0.1', 0))\n"
        "result = kept.getsockname()[1]"
    )
    assert await second(DIAL.format(port=port)) == 111
    assert await second("import os; result = sorted(int(n) for n in os.listdir('/proc') if n.isdigit())") == [1, 2]
    await driver.destroy(one)
    await driver.destroy(two)
