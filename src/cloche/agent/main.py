"""The agent's entry. Under the daemon: `--config-fd N`. By hand: see `options`.

Under the daemon a user waits for the browser, so the browser comes first: read the configuration, take the proxy's
port before anything else can, start Chromium, and only then load the rest of the agent, while Chromium is busy with
its own start. So nothing at the top of this file, of `launch` and of `quick_json` takes time to import.

Measured with CPython 3.11: 2 ms of imports before Chromium's exec (and 8 ms of `runpy`, which Python itself loads when
it is given a zip to run, but not for `-c`), 20 ms between it and `register`.

Exit codes: 0 ended as asked (also by its lease), 1 cannot start, 2 wrong usage or configuration, 3 the browser
cannot be kept running.
"""

from __future__ import annotations

import errno
import os
import sys
import time

from cloche.agent.launch import Launch, clear_stale, close_inherited, keep_from_children, launch
from cloche.agent.quick_json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from cloche.agent.lifecycle import Lifecycle

EXIT_CANNOT_START = 1
EXIT_USAGE = 2

_MAX_CONFIG_BYTES = 256 * 1024
_EGRESS_BACKLOG = 512


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the agent; return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) == 2 and arguments[0] == "--config-fd" and arguments[1].isdigit():
        return _run_configured(int(arguments[1]))
    return _run_by_hand(arguments)


def _run_configured(config_fd: int) -> int:
    try:
        data = _read_to_end(config_fd)
        value = loads(data.decode())
        close_inherited(keep=[int(value.get("guest_fd", -1))])
        egress_fd = _listen(int(value.get("egress_port", 1080)))
        first = _start_browser(value.get("browser"))
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        return _fail(f"cannot start: {error}", EXIT_CANNOT_START if isinstance(error, OSError) else EXIT_USAGE)
    try:
        return _run_rest(data, first, egress_fd)
    finally:
        # Also when the rest of the agent fails to load: a browser no one watches must not stay.
        if first is not None and first.pid > 0:
            _kill_group(first.pid)


def _run_rest(data: bytes, first: Launch | None, egress_fd: int) -> int:
    import socket

    from cloche.agent.lifecycle import Lifecycle
    from cloche.wire.agent_config import ConfigError, parse_agent_config

    try:
        config = parse_agent_config(data)
    except ConfigError as error:
        return _fail(f"configuration: {error}", EXIT_USAGE)
    return _run(Lifecycle(config, first=first, egress=socket.socket(fileno=egress_fd)))


def _run_by_hand(arguments: Sequence[str]) -> int:
    from cloche.agent import options as cli
    from cloche.agent.lifecycle import Lifecycle

    if arguments and arguments[0] in ("--version", "-version"):
        return _print(cli.version_text())
    if arguments and arguments[0] in ("--help", "-help", "-h"):
        return _print(cli.USAGE)
    keep_from_children()
    try:
        options = cli.parse_options(arguments, os.environ)
        config = options.config
        if config.session_id:
            cli.make_workspace(config.workspace)
    except cli.UsageError as error:
        return _fail(str(error), error.exit_code)
    return _run(Lifecycle(config, watched_pid=lambda: cli.read_pid_file(options.browser_pid_file)), options.warning)


def _run(lifecycle: Lifecycle, warning: str = "") -> int:
    import signal

    # Whoever finds our socket may send a HUP before there is a task to take it; what it asks for is about to be done.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Inherited as ignored it would have the kernel reap our children before we learn how they ended.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        lifecycle.open(warning)
    except OSError as error:
        return _fail(error.strerror or str(error), EXIT_CANNOT_START)
    except ValueError as error:
        return _fail(f"configuration: {error}", EXIT_USAGE)
    return lifecycle.run()


def _read_to_end(fd: int) -> bytes:
    """Read the configuration and close its descriptor; a memfd is read from its start wherever it stands."""
    try:
        os.lseek(fd, 0, os.SEEK_SET)
    except OSError as error:
        if error.errno != errno.ESPIPE:
            raise
    data = b""
    while piece := os.read(fd, 64 * 1024):
        data += piece
        if len(data) > _MAX_CONFIG_BYTES:
            raise ValueError("configuration too large")
    os.close(fd)
    return data


def _listen(port: int) -> int:
    """Take the proxy's port on the sandbox's loopback; return the listening socket's descriptor."""
    # The C module itself: the `socket` package around it takes 4 ms to import.
    from _socket import AF_INET, SO_REUSEADDR, SOCK_CLOEXEC, SOCK_STREAM, SOL_SOCKET, socket

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC)
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(_EGRESS_BACKLOG)
    return listener.detach()


def _start_browser(browser: Any) -> Launch | None:
    """Start what the configuration names. Its values are checked in full once the checker is loaded."""
    if browser is None or browser.get("at_rest"):
        return None
    clear_stale(browser.get("user_data_dir", "/data/profile"))
    return launch(browser["executable"], browser.get("args", ()), browser.get("env", {}), time.monotonic())


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, 9)
    except OSError:
        return  # it is gone, as it should be


def _fail(message: str, exit_code: int) -> int:
    print(message, file=sys.stderr)  # noqa: T201
    return exit_code


def _print(text: str) -> int:
    print(text)  # noqa: T201
    return 0
