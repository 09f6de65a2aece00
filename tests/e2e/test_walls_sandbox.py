"""What is inside a sandbox, and what is not: seen from a page, and from the host's /proc."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any, Final

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from cloche.testing.cdp import CdpClient, CdpPage
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]

AS_ROOT: Final = os.geteuid() == 0


class Process:
    """A process of a sandbox as the host's kernel shows it."""

    def __init__(self, pid: int) -> None:
        status = (line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        self.pid = pid
        self.status = {name: value.split() for name, _, value in status}
        self.command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")

    @property
    def uid(self) -> int:
        return int(self.status["Uid"][0])

    def namespace(self, kind: str) -> str:
        return os.readlink(f"/proc/{self.pid}/ns/{kind}")


def processes(daemon: DaemonProcess, session: Json) -> list[Process]:
    """All processes below a session's bubblewrap."""
    record = json.loads((daemon.run_dir / session["id"] / "sandbox.json").read_text())
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(stat[stat.rindex(")") + 2 :].split()[1]), []).append(int(entry.name))
    found, left = [], [int(record["inner"]["pid"])]
    while left:
        pid = left.pop()
        left += parents.get(pid, [])
        try:
            found.append(Process(pid))
        except OSError:
            continue
    return found


def renderers(daemon: DaemonProcess, session: Json) -> list[Process]:
    return [process for process in processes(daemon, session) if "--type=renderer" in process.command]


def browser_process(daemon: DaemonProcess, session: Json) -> Process:
    found = [
        one for one in processes(daemon, session) if "--user-data-dir" in one.command and "--type=" not in one.command
    ]
    assert len(found) == 1
    return found[0]


async def listing(page: CdpPage, path: str) -> set[str]:
    """Names in a directory, as Chromium lists it."""
    error = await page.goto(f"file://{path}")
    assert error is None, error
    rows = '[...document.scripts].flatMap((s) => [...s.text.matchAll(/^addRow\\("([^"]*)"/gm)].map((m) => m[1]))'
    return set(await page.evaluate(rows))


@pytest.mark.promise("chromiums-own-sandbox-stays-on")
async def test_a_renderer_is_behind_chromiums_own_sandbox_too(
    shared_daemon: DaemonProcess, session: Json, browser: CdpClient, local_web: LocalWeb
) -> None:
    await browser.new_page(local_web.url("site.test", "/page"))
    parent = browser_process(shared_daemon, session)
    found = renderers(shared_daemon, session)
    assert found
    for renderer in found:
        assert renderer.status["Seccomp"] == ["2"], "no system call filter"
        assert renderer.status["NoNewPrivs"] == ["1"]
        assert int(renderer.status["CapEff"][0], 16) == 0
        # Host, sandbox, Chromium's own namespace, and one of the renderer alone.
        assert len(renderer.status["NSpid"]) > len(parent.status["NSpid"])
        if AS_ROOT:
            assert renderer.namespace("user") != parent.namespace("user")
            assert renderer.namespace("net") != parent.namespace("net")


async def test_nothing_in_a_sandbox_has_a_capability_or_can_get_one(
    shared_daemon: DaemonProcess, session: Json, browser: CdpClient
) -> None:
    for process in processes(shared_daemon, session):
        assert process.status["NoNewPrivs"] == ["1"], process.command
        assert int(process.status["CapEff"][0], 16) in (0, 1 << 21), process.command  # zygote: SYS_ADMIN of its own
    agent_and_browser = [one for one in processes(shared_daemon, session) if len(one.status["NSpid"]) == 2]
    for process in agent_and_browser[1:]:
        assert int(process.status["CapBnd"][0], 16) == 0, process.command


async def test_a_sandbox_shares_no_namespace_with_the_host_or_another_session(
    shared_daemon: DaemonProcess, session: Json
) -> None:
    other = await shared_daemon.create_session()
    one, two = browser_process(shared_daemon, session), browser_process(shared_daemon, other)
    if not AS_ROOT:
        pytest.skip("only root may read another user namespace's links")
    for kind in ("user", "pid", "net", "ipc", "uts", "mnt", "cgroup"):
        assert len({one.namespace(kind), two.namespace(kind), os.readlink(f"/proc/self/ns/{kind}")}) == 3, kind


@pytest.mark.promise("own-uid-per-session")
@pytest.mark.skipif(not AS_ROOT, reason="only root has other uids to give")
async def test_each_session_has_a_uid_of_its_own(shared_daemon: DaemonProcess, session: Json) -> None:
    other = await shared_daemon.create_session()
    uids = [{process.uid for process in processes(shared_daemon, one)} for one in (session, other)]
    assert [len(found) for found in uids] == [1, 1]
    assert not uids[0] & (uids[1] | {0, os.geteuid(), 65534})


async def test_a_sandbox_has_loopback_and_no_other_interface_no_route_and_no_name_server(
    shared_daemon: DaemonProcess, session: Json
) -> None:
    pid = browser_process(shared_daemon, session).pid
    if AS_ROOT:
        interfaces = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
        assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
        assert Path(f"/proc/{pid}/net/route").read_text().splitlines()[1:] == []
        assert Path(f"/proc/{pid}/root/etc/resolv.conf").read_text() == ""


@pytest.mark.promise("nothing-of-the-host-is-seen")
async def test_the_file_system_holds_nothing_of_the_host(
    shared_daemon: DaemonProcess, session: Json, browser: CdpClient, tmp_path: Path
) -> None:
    page = await browser.new_page()
    known = {
        "bin",
        "data",
        "dev",
        "etc",
        "lib",
        "lib32",
        "lib64",
        "opt",
        "proc",
        "profile",
        "run",
        "tmp",
        "usr",
        "var",
        "workspace",
    }
    assert await listing(page, "/") <= known
    assert await listing(page, "/data/") == {
        "downloads",
        "home",
        "policies",
        "profile",
        "staging",
        "tmp",
        "workspace",
    }
    assert await listing(page, "/opt/") == {"chromium", "python", "shell"}
    assert await listing(page, "/opt/shell/") == set()
    assert await listing(page, "/run/") == {"cloche"}
    assert await listing(page, "/run/cloche/") == {"agent.sock"}
    assert await listing(page, "/usr/") <= {"bin", "lib", "lib32", "lib64", "local", "share"}
    own = ("passwd", "group", "hosts", "hostname", "resolv.conf", "nsswitch.conf", "machine-id", "fonts", "chromium")
    assert await listing(page, "/etc/") == set(own)
    absent = ("/root", "/home", "/srv", "/sys", "/var/lib", "/etc/shadow", "/etc/ssl", "/boot", "/mnt", str(tmp_path))
    for path in (*absent, str(shared_daemon.state_dir), str(shared_daemon.run_dir), str(Path(__file__).parent)):
        assert await page.goto(f"file://{path}", wait_loaded=False) == "net::ERR_FILE_NOT_FOUND", path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("passwd", "root:x:0:0::/:/none\ncloche:x:1000:1000::/data/home:/none"),
        ("group", "root:x:0:\ncloche:x:1000:"),
        ("hosts", "127.0.0.1 localhost cloche\n::1 localhost"),
        ("hostname", "cloche"),
        ("machine-id", "00000000000000000000000000000001"),
    ],
)
async def test_what_names_a_machine_is_the_same_in_every_sandbox(name: str, text: str, tabs: Any) -> None:
    page = await tabs.open()
    assert await page.goto(f"file:///etc/{name}") is None
    assert (await page.evaluate("document.body.innerText")).strip() == text


async def test_a_folder_that_a_client_hands_to_a_page_is_the_sandboxs(browser: CdpClient, local_web: LocalWeb) -> None:
    page = await browser.new_page(local_web.url("site.test", "/page"))
    await page.evaluate("document.body.innerHTML = '<input type=file webkitdirectory id=folder>'")
    node = (await page.send("Runtime.evaluate", {"expression": "folder"}))["result"]["objectId"]
    await page.send("DOM.setFileInputFiles", {"files": ["/etc"], "objectId": node})
    names = set(await page.wait_for("folder.files.length && [...folder.files].map((file) => file.webkitRelativePath)"))
    known = {"group", "hosts", "hostname", "machine-id", "nsswitch.conf", "passwd", "resolv.conf"}
    assert {name for name in names if not name.startswith("etc/fonts/")} == {f"etc/{name}" for name in known}


async def test_a_page_cannot_read_files_only_the_client_can(tabs: Any, local_web: LocalWeb) -> None:
    page = await tabs.open(local_web.url("site.test", "/page"))
    assert await page.evaluate("fetch('file:///etc/passwd').then(() => 'read', (error) => error.name)") == "TypeError"
    frame = """new Promise((resolve) => {
        const frame = document.createElement("iframe");
        frame.src = "file:///etc/passwd";
        frame.onload = () => resolve(frame.contentDocument && frame.contentDocument.body.innerText);
        document.body.append(frame);
        setTimeout(() => resolve("nothing"), 1000);
    })"""
    assert "root" not in str(await page.evaluate(frame))
    await page.evaluate("void setTimeout(() => { location.href = 'file:///etc/passwd' })")
    assert await page.evaluate("new Promise((resolve) => setTimeout(() => resolve(location.protocol), 200))") == "http:"


@pytest.mark.parametrize(
    "url", ["chrome://version/", "chrome://gpu/", "chrome://net-export/", "chrome://inspect/", "chrome://settings/",
            "devtools://devtools/bundled/inspector.html", "chrome-untrusted://terminal/", "about:blank#x"],
)  # fmt: skip
async def test_pages_of_chromium_itself_show_nothing_of_the_host(url: str, tabs: Any) -> None:
    page = await tabs.open()
    await page.goto(url, wait_loaded=False)
    text = str(await page.evaluate("document.documentElement.innerText"))
    host = os.uname()
    assert host.nodename == "localhost" or host.nodename not in text
    assert str(Path.home()) not in text or str(Path.home()) == "/"


@pytest.mark.promise("sessions-do-not-see-each-other")
async def test_sessions_do_not_see_each_others_processes_or_sockets(
    shared_daemon: DaemonProcess, session: Json, browser: CdpClient, cdp: Any
) -> None:
    other = await shared_daemon.create_session()
    page, theirs = await browser.new_page(), await (await cdp(other["connect_url"])).new_page()
    mine = {name for name in await listing(page, "/proc/") if name.isdecimal()}
    pids = {process.status["NSpid"][1] for process in processes(shared_daemon, session)}
    # One may start or end between the two looks; the others' would be many more.
    assert len(mine ^ pids) <= 3
    assert str(shared_daemon.pid) not in mine
    hosts = {str(process.pid) for process in processes(shared_daemon, other)}
    assert not (hosts & mine) - pids
    assert await listing(theirs, "/run/cloche/") <= {"agent.sock"}


async def test_another_sessions_token_opens_nothing_here(shared_daemon: DaemonProcess, session: Json) -> None:
    other = await shared_daemon.create_session()
    token = other["connect_url"].partition("token=")[2]
    answer = await shared_daemon.request("GET", f"/v1/sessions/{session['id']}/json/version?token={token}", key="")
    assert answer.status in (401, 403, 404)
    assert await asyncio.to_thread(_status_of_dial, session["connect_url"].partition("?")[0] + f"?token={token}") in (
        401,
        403,
        404,
    )


def _status_of_dial(url: str) -> int:
    with pytest.raises(InvalidStatus) as refused:
        connect(url, proxy=None)
    return refused.value.response.status_code
