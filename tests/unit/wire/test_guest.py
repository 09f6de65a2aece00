import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.wire.frames import encode_json
from cloche.wire.guest import (
    DEFAULT_EXEC_TIMEOUT_S,
    MAX_ARGUMENTS,
    MAX_DRAIN_S,
    MAX_EXEC_TIMEOUT_S,
    MAX_NAMES,
    Answer,
    Hello,
    RequestError,
    Tagged,
    Verb,
    answer_hello,
    error,
    parse_request,
    parse_tagged,
    read_drain_s,
    read_exec,
    read_hello,
    read_integrations,
)

NAMES = st.text(st.characters(codec="utf-8"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.dictionaries(
    st.sampled_from(
        (
            "drain_timeout_secs",
            "integrations",
            "command",
            "argv",
            "stdin",
            "timeout_secs",
            "host_protocol_version",
            "min_supported_version",
        )
    )
    | NAMES,
    VALUES,
    max_size=5,
)


@given(NAMES, st.dictionaries(NAMES, st.integers() | NAMES | st.none(), min_size=1, max_size=4))
def test_what_is_tagged_is_read_as_it_was_written(tag: str, fields: dict[str, object]) -> None:
    assert parse_tagged(encode_json(Tagged(tag, fields).value())) == Tagged(tag, fields)
    assert parse_tagged(encode_json(Tagged(tag).value())) == Tagged(tag)


def test_a_name_without_fields_is_a_bare_string_and_an_empty_list_is_a_field() -> None:
    assert encode_json(Tagged(Answer.PONG).value()) == b'"Pong"'
    report = Tagged(Answer.INTEGRATION_STATUS_REPORT, {"integrations": []})
    assert encode_json(report.value()) == b'{"IntegrationStatusReport":{"integrations":[]}}'


@pytest.mark.parametrize("body", [b'"Ping"', b'{"Ping":null}', b'{"Ping":{}}', b' {"Ping" : { "later" : 1 } } '])
def test_a_verb_without_fields_may_be_written_as_an_object_and_unknown_fields_are_ignored(body: bytes) -> None:
    assert parse_request(body)[0] is Verb.PING


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"Ping", "not JSON"),
        (b'"Ping', "not JSON"),
        (b'"Ping" "Ping"', "not JSON"),
        (b'"\xff"', "not JSON"),
        ('"Ping"'.encode("utf-16"), "not JSON"),
        (b'\xef\xbb\xbf"Ping"', "not JSON"),
        (b'{"Exec":{"timeout_secs":NaN}}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"9" * 100_000, "not JSON"),
        (b"null", "a name, or an object"),
        (b"1", "a name, or an object"),
        (b'["Ping"]', "a name, or an object"),
        (b"{}", "a name, or an object"),
        (b'{"Ping":null,"Wake":null}', "a name, or an object"),
        (b'{"Ping":[]}', "must be an object"),
        (b'{"Ping":1}', "must be an object"),
        (b'"ping"', "unknown verb: ping"),
        (b'"Pong"', "unknown verb: Pong"),
        (b'"FsRead"', "unknown verb: FsRead"),
    ],
)
def test_what_is_no_request_is_refused_with_a_reason(body: bytes, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        parse_request(body)


@given(st.binary(max_size=200) | NAMES.map(str.encode) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_request_or_are_refused_in_few_words(body: bytes) -> None:
    try:
        verb, fields = parse_request(body)
    except RequestError as refusal:
        assert len(str(refusal)) < 128
    else:
        assert isinstance(verb, Verb)
        assert isinstance(fields, dict)


@given(FIELDS)
def test_any_fields_are_read_or_refused_in_few_words(fields: dict[str, object]) -> None:
    for read in (read_drain_s, read_integrations, read_exec, read_hello):
        try:
            read(fields)
        except RequestError as refusal:
            assert len(str(refusal)) < 128


@pytest.mark.parametrize(("given_s", "read_s"), [(0, 0), (30, 30), (MAX_DRAIN_S, 3600), (2**64 - 1, 3600)])
def test_a_drain_timeout_is_whole_seconds_and_at_most_an_hour(given_s: int, read_s: float) -> None:
    assert read_drain_s({"drain_timeout_secs": given_s}) == read_s


@pytest.mark.parametrize("value", [-1, 1.0, True, "30", None, [], 2**64])
def test_a_drain_timeout_that_is_no_unsigned_integer_is_refused(value: object) -> None:
    with pytest.raises(RequestError, match="drain_timeout_secs"):
        read_drain_s({"drain_timeout_secs": value})
    with pytest.raises(RequestError, match="drain_timeout_secs"):
        read_drain_s({})


def test_the_integrations_to_checkpoint_are_names_and_may_be_missing() -> None:
    assert read_integrations({"integrations": ["db", "queue"]}) == ("db", "queue")
    assert read_integrations({"integrations": []}) == read_integrations({}) == ()


@pytest.mark.parametrize("value", [None, "db", [1], [None], {"db": 1}, ["x"] * (MAX_NAMES + 1)])
def test_integrations_that_are_no_names_or_too_many_are_refused(value: object) -> None:
    with pytest.raises(RequestError, match="integrations"):
        read_integrations({"integrations": value})


def test_a_command_is_shell_text_and_argv_is_run_as_it_stands() -> None:
    documented = {"command": "echo 'a b' | wc", "stdin": None, "timeout_secs": None}
    assert read_exec(documented) == (("/bin/sh", "-c", "echo 'a b' | wc"), b"", DEFAULT_EXEC_TIMEOUT_S)
    ours = {"argv": ["printf", "%s", "a b; $x"], "stdin": "süß", "timeout_secs": 5}
    assert read_exec(ours) == (("printf", "%s", "a b; $x"), "süß".encode(), 5)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "either argv or command"),
        ({"argv": ["x"], "command": "x"}, "either argv or command"),
        ({"command": 1}, "command"),
        ({"command": "a\0b"}, "command"),
        ({"command": "\ud800"}, "command"),
        ({"argv": []}, "argv"),
        ({"argv": "ls"}, "argv"),
        ({"argv": ["ls", 1]}, "argv"),
        ({"argv": ["a\0b"]}, "argv"),
        ({"argv": ["x"] * (MAX_ARGUMENTS + 1)}, "argv"),
        ({"command": "x", "stdin": [1, 2]}, "stdin"),
        ({"command": "x", "stdin": "\udcff"}, "stdin"),
        ({"command": "x", "timeout_secs": 0}, "timeout_secs"),
        ({"command": "x", "timeout_secs": 1.5}, "timeout_secs"),
        ({"command": "x", "timeout_secs": True}, "timeout_secs"),
        ({"command": "x", "timeout_secs": MAX_EXEC_TIMEOUT_S + 1}, "timeout_secs"),
    ],
)
def test_an_exec_that_will_not_do_is_refused_by_the_name_of_its_field(fields: dict[str, object], why: str) -> None:
    with pytest.raises(RequestError, match=why):
        read_exec(fields)


def test_a_refusal_never_repeats_a_command_or_its_input() -> None:
    for fields in ({"command": "secret\0"}, {"argv": ["secret", 1]}, {"command": "x", "stdin": ["secret"]}):
        with pytest.raises(RequestError) as refusal:
            read_exec(fields)
        assert "secret" not in str(refusal.value)


def test_versions_that_overlap_agree_and_the_answer_names_published_capabilities_only() -> None:
    # A published host refuses the whole answer for one name that is not among these.
    published = {
        "ping",
        "integration_status",
        "entrypoint_status",
        "run_entrypoint",
        "filesystem_rpc",
        "process_rpc",
        "console",
        "volume_mount",
        "update_idle_timeout",
        "readiness",
    }
    answer = answer_hello(Hello(1, 1), "agent/1.0")
    assert answer.tag == Answer.HELLO_ACK
    assert list(answer.fields) == ["agent_protocol_version", "min_supported_version", "agent_version", "capabilities"]
    assert set(answer.fields["capabilities"]) <= published
    assert answer_hello(Hello(3, 1), "agent/1.0").tag == Answer.HELLO_ACK


@pytest.mark.parametrize(("host", "oldest", "action"), [(0, 0, "upgrade_host"), (7, 2, "rebuild_guest")])
def test_versions_that_do_not_overlap_are_told_who_must_move(host: int, oldest: int, action: str) -> None:
    answer = answer_hello(Hello(host, oldest), "agent/1.0")
    assert answer.tag == Answer.MISMATCH
    assert list(answer.fields) == [
        "host_protocol_version",
        "agent_protocol_version",
        "required_action",
        "message",
    ]
    assert (answer.fields["host_protocol_version"], answer.fields["required_action"]) == (host, action)


@pytest.mark.parametrize("value", [None, "1", -1, 2**32, 1.0])
def test_a_hello_without_versions_is_refused(value: object) -> None:
    with pytest.raises(RequestError, match="host_protocol_version"):
        read_hello({"host_protocol_version": value, "min_supported_version": 1})


def test_an_error_is_an_answer_with_a_message() -> None:
    assert encode_json(error("no").value()) == b'{"Error":{"message":"no"}}'
