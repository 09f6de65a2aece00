import os
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.egress.lookups import NameNotFoundError, NameServiceError, SystemLookup, hosts_file_lookup, parse_hosts

HOSTS = """
# the web of a test
93.184.215.14   Example.Test  www.example.test.   # two names
93.184.215.20   www.example.test
2606:2800::1    www.example.test
not-an-address  broken.test
127.0.0.1
"""


async def test_the_systems_resolver_knows_localhost() -> None:
    lookup = SystemLookup()
    try:
        assert ip_address("127.0.0.1") in await lookup("localhost")
    finally:
        lookup.close()


async def test_a_name_under_invalid_is_not_found_or_not_answered() -> None:
    # RFC 6761 §6.4; a machine without any name server gets no answer at all.
    lookup = SystemLookup()
    try:
        with pytest.raises((NameNotFoundError, NameServiceError)):
            await lookup("no-such-name.invalid")
    finally:
        lookup.close()


def test_a_hosts_file_gives_a_name_all_its_addresses() -> None:
    assert parse_hosts(HOSTS) == {
        "example.test": [ip_address("93.184.215.14")],
        "www.example.test": [ip_address(text) for text in ("93.184.215.14", "93.184.215.20", "2606:2800::1")],
    }


@given(st.text(max_size=200))
def test_any_text_is_a_hosts_file(text: str) -> None:
    assert all(addresses for addresses in parse_hosts(text).values())


async def test_the_hosts_file_is_asked_first_and_the_fallback_for_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text(HOSTS)

    asked = []

    async def fallback(name: str) -> list[IPv4Address]:
        asked.append(name)
        return [IPv4Address("9.9.9.9")]

    lookup = hosts_file_lookup(file, fallback)
    assert await lookup("example.test") == [ip_address("93.184.215.14")]
    assert await lookup("other.test") == [IPv4Address("9.9.9.9")]
    assert asked == ["other.test"]


async def test_without_a_fallback_the_rest_does_not_exist(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text(HOSTS)
    with pytest.raises(NameNotFoundError):
        await hosts_file_lookup(file, None)("other.test")


async def test_a_changed_hosts_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text("1.1.1.1 a.test\n")
    lookup = hosts_file_lookup(file, None)
    assert await lookup("a.test") == [ip_address("1.1.1.1")]
    file.write_text("1.1.1.2 a.test\n")
    status = file.stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))
    assert await lookup("a.test") == [ip_address("1.1.1.2")]


async def test_while_the_hosts_file_is_gone_nothing_resolves(tmp_path: Path) -> None:
    lookup = hosts_file_lookup(tmp_path / "absent", SystemLookup())
    with pytest.raises(NameServiceError):
        await lookup("localhost")
