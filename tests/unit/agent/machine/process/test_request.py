import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.fields import Fields
from cloche.agent.machine.problem import Problem
from cloche.agent.machine.process.request import exec_spec, spawn_spec, start_problem, window_of
from cloche.agent.start import WrongDirectoryError
from cloche.wire.agent_config import AgentConfig

CONFIG = AgentConfig("s", "t", workspace="/data/ws", machine_env={"PATH": "/bin", "USER": "me"})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(
    (
        *("command", "args", "cwd", "env", "as_user", "as_root", "timeout_sec", "stdin_b64", "max_output_bytes"),
        *("rows", "cols", "allocate_tty"),
    )
)


def test_an_exec_has_its_defaults() -> None:
    spec = exec_spec(Fields({"command": "x"}), CONFIG)
    assert (spec.argv, spec.env, spec.directory) == (("x",), CONFIG.machine_env, "/data/ws")
    assert (spec.timeout_s, spec.stdin, spec.kept_bytes, spec.window) == (60.0, b"", 1 << 20, None)


def test_a_spawned_one_runs_for_ever_with_its_input_open() -> None:
    spec = spawn_spec(Fields({"command": "x", "args": ["a"]}), CONFIG)
    assert (spec.argv, spec.timeout_s, spec.stdin, spec.window) == (("x", "a"), None, None, None)
    assert "TERM" not in spec.env


def test_a_terminal_has_a_size_and_a_name_that_the_request_may_replace() -> None:
    spec = spawn_spec(Fields({"command": "x", "allocate_tty": True}), CONFIG)
    assert (spec.window, spec.env["TERM"]) == ((24, 80), "xterm-256color")
    spec = spawn_spec(
        Fields({"command": "x", "allocate_tty": True, "rows": 1, "cols": 65535, "env": {"TERM": "dumb"}}), CONFIG
    )
    assert (spec.window, spec.env["TERM"]) == ((1, 65535), "dumb")


@pytest.mark.parametrize(
    ("cwd", "directory"),
    [
        ("/workspace", "/data/ws"),
        ("/workspace/a/../b", "/data/ws/a/../b"),
        ("/workspaces", "/workspaces"),
        ("/", "/"),
    ],
)
def test_the_workspace_goes_by_its_name(cwd: str, directory: str) -> None:
    assert exec_spec(Fields({"command": "x", "cwd": cwd}), CONFIG).directory == directory


@given(st.dictionaries(NAMES, JSON, max_size=8), st.booleans())
def test_any_fields_are_a_program_or_a_problem(fields: dict[str, object], is_exec: bool) -> None:
    try:
        spec = (exec_spec if is_exec else spawn_spec)(Fields(fields), CONFIG)
    except Problem as problem:
        assert problem.status == 400
    else:
        assert spec.argv[0] == fields["command"]
        assert spec.directory.startswith("/")
        assert all(isinstance(value, str) for pair in spec.env.items() for value in pair)


def test_without_a_default_a_size_must_be_there() -> None:
    with pytest.raises(Problem, match="is missing"):
        window_of(Fields({"rows": 1}))
    assert window_of(Fields({"rows": 1, "cols": 2})) == (1, 2)


@pytest.mark.parametrize(
    ("error", "status", "code", "field"),
    [
        (WrongDirectoryError(errno.ENOENT, ""), 400, "not_found", "cwd"),
        (WrongDirectoryError(errno.EACCES, ""), 400, "not_permitted", "cwd"),
        (FileNotFoundError(errno.ENOENT, ""), 400, "command_not_found", "command"),
        (NotADirectoryError(errno.ENOTDIR, ""), 400, "command_not_found", "command"),
        (PermissionError(errno.EACCES, ""), 400, "not_executable", "command"),
        (OSError(errno.ENOEXEC, ""), 400, "not_executable", "command"),
        (OSError(errno.E2BIG, ""), 400, "invalid_request", "args"),
        (OSError(errno.EAGAIN, ""), 429, "busy", None),
        (OSError(errno.EMFILE, ""), 429, "busy", None),
        (OSError(errno.ENOMEM, ""), 507, "storage_full", None),
        (ValueError("embedded null byte"), 400, "invalid_request", "command"),
    ],
)
def test_a_failed_start_says_what_was_wrong(
    error: OSError | ValueError, status: int, code: str, field: str | None
) -> None:
    problem = start_problem(error)
    assert (problem.status, problem.code, problem.fields.get("field")) == (status, code, field)


def test_the_user_of_the_sandbox_may_be_named_and_no_other() -> None:
    for user in ("me", str(os.getuid()), f"{os.getuid()}:{os.getgid()}"):
        assert exec_spec(Fields({"command": "x", "as_user": user}), CONFIG).argv == ("x",)
    for user in ("you", "99999", f"{os.getuid()}:99999", f"{os.getuid()}:", " me"):
        with pytest.raises(Problem) as refusal:
            exec_spec(Fields({"command": "x", "as_user": user}), CONFIG)
        assert refusal.value.code == "no_such_user"
