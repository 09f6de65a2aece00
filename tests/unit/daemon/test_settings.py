from pathlib import Path

import pytest
from pydantic import ValidationError

from cloche.daemon.settings import Settings
from cloche.telemetry.logs import LogFormat


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of whoever runs the tests, no file of the directory they run in."""
    import os

    for name in [name for name in os.environ if name.startswith("CLOCHE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_everything_has_a_default_and_the_default_is_loopback() -> None:
    settings = Settings()

    assert settings.http_bind == "127.0.0.1:8090"
    assert settings.private_hosts_ceiling is None
    assert settings.admin_key is None
    assert settings.memory_bytes <= settings.max_memory_bytes
    assert settings.processes <= settings.max_processes
    assert settings.idle_timeout_s <= settings.max_idle_timeout_s
    assert settings.lifetime_s <= settings.max_lifetime_s


def test_a_variable_goes_before_the_file_and_the_file_before_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cloche.toml").write_text('max_sessions = 5\nlog_format = "console"\negress_deny_hosts = ["a", "b"]\n')
    monkeypatch.setenv("CLOCHE_MAX_SESSIONS", "7")
    settings = Settings()

    assert settings.max_sessions == 7
    assert settings.log_format is LogFormat.CONSOLE
    assert settings.egress_deny_hosts == ("a", "b")
    assert settings.max_sessions_per_principal == 32


def test_the_file_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("max_sessions = 3\n")
    monkeypatch.setenv("CLOCHE_CONFIG", str(tmp_path / "other.toml"))

    assert Settings().max_sessions == 3


def test_lists_are_comma_separated_in_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOCHE_ALLOWED_HOSTS", " a.test, b.test ,,")
    monkeypatch.setenv("CLOCHE_PRIVATE_HOSTS_CEILING", "127.0.0.1:*")
    settings = Settings()

    assert settings.allowed_hosts == ("a.test", "b.test")
    assert settings.private_hosts_ceiling == ("127.0.0.1:*",)


def test_an_empty_list_of_private_hosts_means_none_and_not_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sets the variable to nothing wants nothing open; unset means any on a loopback server."""
    monkeypatch.setenv("CLOCHE_PRIVATE_HOSTS_CEILING", "")

    assert Settings().private_hosts_ceiling == ()


def test_an_empty_address_for_grpc_means_none_and_not_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().grpc_bind == "127.0.0.1:8091"
    monkeypatch.setenv("CLOCHE_GRPC_BIND", "")
    assert Settings().grpc_bind == ""
    monkeypatch.setenv("CLOCHE_GRPC_BIND", "8091")
    with pytest.raises(ValidationError, match="grpc_bind"):
        Settings()


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOCHE_ADMIN_KEY", "ck_very-secret")
    monkeypatch.setenv("CLOCHE_EGRESS_UPSTREAM", "http://u:very-secret@p:1")
    settings = Settings()

    assert "very-secret" not in f"{settings!r}{settings!s}{settings.model_dump_json()}"
    assert settings.admin_key is not None
    assert settings.admin_key.get_secret_value() == "ck_very-secret"


@pytest.mark.parametrize("bind", ["8090", ":8090", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "a:-1"])
def test_a_bind_that_is_no_host_and_port_is_refused(monkeypatch: pytest.MonkeyPatch, bind: str) -> None:
    monkeypatch.setenv("CLOCHE_HTTP_BIND", bind)

    with pytest.raises(ValidationError, match="http_bind"):
        Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_SESSIONS", "0"),
        ("MAX_SESSIONS", "many"),
        ("START_TIMEOUT_S", "0"),
        ("START_TIMEOUT_S", "nan"),
        ("START_TIMEOUT_S", "inf"),
        ("LEASE_S", "-1"),
        ("LEASE_S", "inf"),
        ("MEMORY_BYTES", "1024"),
        ("CPU_CORES", "nan"),
        ("CPU_CORES", "0"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("IDLE_TIMEOUT_S", "0"),
    ],
)
def test_a_value_that_makes_no_sense_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"CLOCHE_{name}", value)

    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_settings_do_not_change_once_read() -> None:
    with pytest.raises(ValidationError):
        Settings().max_sessions = 1
