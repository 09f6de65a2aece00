"""Calls of the machine API as values."""

import pytest

from cloche.client import machine_calls as calls
from cloche.client.calls import EXEC_SLACK_S
from cloche.client.machine_answers import Output
from cloche.errors import InternalError, StorageFullError


def test_neither_a_sessions_nor_a_programs_id_leaves_its_place_in_the_path() -> None:
    assert calls.program_status("a/b", "../x").path == "/v1/sessions/a%2Fb/process/..%2Fx/status"
    assert calls.parts("a/b").path == "/v1/sessions/a%2Fb/processes"


def test_the_first_word_is_the_command_and_the_rest_its_arguments() -> None:
    call = calls.exec_("x", ["ls", "-l", "a b"], stdin=b"\xff", kill_on_disconnect=True, options={"timeout_sec": 5})
    assert call.body == {
        "command": "ls",
        "args": ["-l", "a b"],
        "timeout_sec": 5,
        "kill_on_disconnect": True,
        "stdin_b64": "/w==",
    }
    assert call.may_take_s == 5 + EXEC_SLACK_S


def test_a_terminal_has_rows_and_columns() -> None:
    call = calls.spawn("x", ["sh"], tty=(24, 80), options={"env": {"A": "b"}})
    assert call.body == {"command": "sh", "args": [], "env": {"A": "b"}, "allocate_tty": True, "rows": 24, "cols": 80}


def test_paths_go_into_the_query_as_they_are() -> None:
    assert calls.read_file("x", "/workspace/a&b").query == [("path", "/workspace/a&b")]
    assert calls.stream_logs("x", "path", path="l\n", follow=False, tail=0).query == [
        ("source", "path"),
        ("follow", "false"),
        ("path", "l\n"),
        ("tail", "0"),
    ]


@pytest.mark.parametrize(
    ("is_zip", "name", "type_"), [(True, "zip", "application/zip"), (False, "zstd", "application/zstd")]
)
def test_an_archive_is_sent_as_what_it_is(is_zip: bool, name: str, type_: str) -> None:
    call = calls.upload("x", "/workspace/a", is_zip=is_zip, replace=True)
    assert call.path.endswith(f"/fs/upload_{name}")
    assert call.query == [("dest_path", "/workspace/a"), ("replace", "true")]
    assert call.content_type == type_


def test_what_a_change_leaves_out_is_not_sent() -> None:
    assert calls.restart_browser("x", {"flags": []}).body == {"flags": []}


def test_a_full_session_is_an_error_of_its_own() -> None:
    with pytest.raises(StorageFullError):
        calls.write_file("x", "a", mode="644").read(507, b'{"code":"storage_full"}')


def test_a_piece_of_output_is_bytes() -> None:
    piece = calls.read_event(Output, '{"stream":"stdout","data_b64":"/w=="}')
    assert (piece.stream, piece.data, piece.event) == ("stdout", b"\xff", None)
    with pytest.raises(InternalError):
        calls.read_event(Output, "[]")
