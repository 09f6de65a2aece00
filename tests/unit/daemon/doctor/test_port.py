"""The address to listen on is ours and free, or held by our own daemon."""

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from cloche.daemon.doctor import port
from cloche.daemon.doctor.check import DoctorSettings


def test_a_free_port_is_fine(settings: DoctorSettings) -> None:
    assert port.check(settings).ok is True


@pytest.mark.parametrize("bind", ["198.41.0.4:8090", "no-such-name.test:1"])
def test_an_address_that_is_not_ours_is_told(settings: DoctorSettings, bind: str) -> None:
    assert "cannot listen" in port.check(replace(settings, http_bind=bind)).found


def test_a_taken_port_is_told_unless_our_own_daemon_has_it(settings: DoctorSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        bind = f"127.0.0.1:{holder.getsockname()[1]}"
        assert port.check(replace(settings, http_bind=bind)).ok is False
        (settings.state_dir / "daemon.json").write_text(json.dumps({"http": bind}))
        assert port.check(replace(settings, http_bind=bind)).ok is True


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"http": 1}'])
def test_a_broken_daemon_record_is_no_daemon(tmp_path: Path, text: str) -> None:
    (tmp_path / "daemon.json").write_text(text)
    assert port.listens_here(tmp_path) in (None, "1")


def test_the_port_of_grpc_is_looked_at_too(settings: DoctorSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        bind = f"127.0.0.1:{holder.getsockname()[1]}"
        taken = port.check(replace(settings, grpc_bind=bind))
        assert (taken.ok, "CLOCHE_GRPC_BIND" in taken.mend) == (False, True)
        (settings.state_dir / "daemon.json").write_text(json.dumps({"grpc": bind}))
        assert port.check(replace(settings, grpc_bind=bind)).ok is True
