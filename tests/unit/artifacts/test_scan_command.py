"""A scanner's command, inside real walls."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloche.artifacts.scan_command import CommandScanner
from cloche.artifacts.scanner import Clean, Found, ScanResult, Unavailable


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def run(script: str, *pieces: bytes, timeout_s: float = 20, hidden: tuple[Path, ...] = ()) -> ScanResult:
    scanner = CommandScanner(("/bin/sh", "-c", script), timeout_s=timeout_s, hidden=hidden)
    return await scanner.scan(stream(*pieces))


GREP = "if grep -q EICAR; then echo 'Eicar test <x>'; echo more; exit 1; fi; exit 0"


async def test_its_exit_code_and_first_line_tell() -> None:
    assert await run(GREP, b"a" * 300_000, b"\nEICAR\n") == Found("Eicar_test_x")
    assert await run(GREP, b"a" * 300_000, b"\n") == Clean()
    assert await run("cat >/dev/null; exit 2", b"x") == Unavailable("exit code 2")
    assert await run("kill -9 $$", b"x") == Unavailable("exit code 137")
    assert await run("exit 1", b"x") == Unavailable("exit code 1 without a name")


async def test_it_is_given_all_of_the_file() -> None:
    script = "test \"$(cksum | cut -d' ' -f2)\" = 3000000"
    assert await run(script, *(b"x" * 100_000 for _ in range(30))) == Clean()


async def test_one_that_stops_reading_may_have_its_say() -> None:
    assert await run("head -c 10 >/dev/null; echo Early; exit 1", b"x" * 4_000_000) == Found("Early")


async def test_it_has_no_network_no_writable_disk_and_no_sight_of_what_is_hidden(tmp_path: Path) -> None:
    script = f"""
        cat >/dev/null
        test "$(tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ')" = lo || {{ echo network; exit 1; }}
        touch /etc/x /var/x 2>/dev/null && {{ echo writable; exit 1; }}
        test -z "$(ls -A /run /root /home 2>/dev/null | grep -v :)" || {{ echo homes; exit 1; }}
        test -z "$(ls -A {tmp_path} 2>/dev/null)" || {{ echo hidden; exit 1; }}
        test "$(id -u)" = 65534 || {{ echo user; exit 1; }}
        test -z "$CLOCHE_STATE_KEY" || {{ echo key; exit 1; }}
        echo x > /tmp/x || {{ echo tmp; exit 1; }}
        exit 0
    """
    (tmp_path / "secret").write_text("secret")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLOCHE_STATE_KEY", "canary")
        assert await run(script, b"x", hidden=(tmp_path,)) == Clean()


@pytest.mark.parametrize("script", ["sleep 60", "cat >/dev/null; sleep 60"])
async def test_one_that_takes_too_long_is_ended(script: str) -> None:
    assert await run(script, b"x" * 3_000_000, timeout_s=0.3) == Unavailable("timeout")


async def test_a_program_that_is_not_there_is_no_word() -> None:
    gone = CommandScanner(("/nonexistent/scan",), timeout_s=5)
    assert isinstance(await gone.scan(stream(b"x")), Unavailable)
    no_walls = CommandScanner(("/bin/true",), timeout_s=5, bwrap="/nonexistent/bwrap")
    assert await no_walls.scan(stream(b"x")) == Unavailable("/nonexistent/bwrap is missing")
