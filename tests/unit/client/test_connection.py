"""Where to ask and with which key."""

import pytest

from cloche.client import calls
from cloche.client.connection import TIMEOUT_S, Connection


def test_what_is_not_given_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOCHE_URL", raising=False)
    monkeypatch.delenv("CLOCHE_KEY", raising=False)
    assert Connection.of() == Connection("http://127.0.0.1:8090", None)
    monkeypatch.setenv("CLOCHE_URL", "https://cloche.example/b/")
    monkeypatch.setenv("CLOCHE_KEY", "ck_env")
    assert Connection.of() == Connection("https://cloche.example/b", "ck_env")
    assert Connection.of("http://x", "ck_1") == Connection("http://x", "ck_1")


def test_the_key_does_not_show() -> None:
    assert "ck_secret" not in repr(Connection("http://x", "ck_secret"))


@pytest.mark.parametrize(
    ("url", "uses_proxy"),
    [
        ("http://127.0.0.1:8090", False),
        ("http://localhost:1", False),
        ("http://[::1]:1", False),
        ("https://a.example", True),
    ],
)
def test_no_proxy_stands_between_us_and_this_machine(url: str, uses_proxy: bool) -> None:
    assert Connection(url, None).options()["trust_env"] is uses_proxy


@pytest.mark.parametrize("timeout_s", [1, 60, 61, 3600])
def test_the_answer_of_a_program_is_waited_for_as_long_as_it_may_run(timeout_s: int) -> None:
    call = calls.agent_exec("x", argv=["sleep"], command=None, stdin=None, timeout_s=timeout_s)
    assert Connection("http://x", None).request(call).get("timeout", TIMEOUT_S) >= timeout_s + 30


def test_other_calls_keep_the_clients_own_limit() -> None:
    assert "timeout" not in Connection("http://x", None).request(calls.readiness())
