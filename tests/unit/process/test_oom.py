import asyncio
import os
import re
from pathlib import Path

import pytest

from cloche.process import oom
from cloche.process.output import SealedOutput
from cloche.process.spawn import spawn


async def test_a_child_can_be_made_likelier_to_go_and_what_it_forks_is_too() -> None:
    stdin, go = os.pipe()
    output = SealedOutput.create()
    # `read` is the shell's own; `cat` is forked after it.
    command = ["/bin/sh", "-c", "read _; cat /proc/self/oom_score_adj"]
    child = await asyncio.to_thread(spawn, command, env={}, stdin=stdin, stdout=output.fd)
    assert await asyncio.to_thread(oom.set_score, child.handle.identity.pid, oom.SANDBOX)
    assert await asyncio.to_thread(oom.get_score, child.handle.identity.pid) == oom.SANDBOX
    os.write(go, b"\n")
    assert await child.handle.wait(5)
    child.exit_code()
    assert int(output.read()) == oom.SANDBOX
    child.handle.close()
    output.close()
    os.close(stdin)
    os.close(go)


async def test_a_process_that_is_gone_is_no_error() -> None:
    child = await asyncio.to_thread(spawn, ["/bin/true"], env={})
    assert await child.handle.wait(5)
    child.exit_code()
    assert not await asyncio.to_thread(oom.set_score, child.handle.identity.pid, oom.SANDBOX)
    assert await asyncio.to_thread(oom.get_score, child.handle.identity.pid) is None
    child.handle.close()


async def test_the_children_of_a_protected_daemon_are_not_protected(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(oom, "is_protected", lambda: True)
    monkeypatch.setattr(oom, "set_score", lambda pid, score: bool(told.append((pid, score))))
    child = await asyncio.to_thread(spawn, ["/bin/true"], env={})
    assert told == [(child.handle.identity.pid, 0)]
    assert await child.handle.wait(5)
    child.exit_code()
    child.handle.close()


def test_the_daemon_is_protected_where_that_may_be_done_and_says_so() -> None:
    before = oom.get_score(os.getpid())
    assert before is not None
    (effective,) = re.findall(r"^CapEff:\t(\w+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    may_lower = bool(int(effective, 16) & 1 << 24)  # CAP_SYS_RESOURCE
    try:
        assert oom.protect_daemon() is may_lower
        assert oom.is_protected() is may_lower
    finally:
        oom.set_score(os.getpid(), before)
