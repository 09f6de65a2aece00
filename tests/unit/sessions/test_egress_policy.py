import pytest

from cloche.egress.policy import (
    EgressPolicy,
    Scheme,
    parse_host_patterns,
    parse_ports,
    parse_private_ceiling,
    parse_upstream,
)
from cloche.errors import DeniedError, InvalidError
from cloche.sessions.egress_policy import EgressCeiling, effective_policy, without_credentials
from cloche.sessions.model import EgressOptions
from cloche.testing.sessions import BUDGET, make_options

ANYTHING = EgressCeiling(private_hosts=None, base=EgressPolicy())
NOTHING = EgressCeiling(private_hosts=(), base=EgressPolicy())


def policy(ceiling: EgressCeiling = ANYTHING, upstream: str | None = None, **asked: tuple[str, ...]) -> EgressPolicy:
    return effective_policy(make_options(egress=EgressOptions(**asked)), upstream, ceiling)


def test_the_budget_of_the_session_becomes_the_limit_of_its_gateway() -> None:
    found = policy()

    assert (found.max_bytes, found.max_connections) == (BUDGET.egress_bytes, BUDGET.egress_connections)


def test_a_private_host_is_refused_where_the_server_opens_none() -> None:
    with pytest.raises(DeniedError) as caught:
        policy(NOTHING, private_hosts=("127.0.0.1:8000",))

    assert caught.value.fields["field"] == "egress.private_hosts"


def test_a_private_host_is_opened_within_the_ceiling_and_not_beside_it() -> None:
    ceiling = EgressCeiling(private_hosts=(parse_private_ceiling("127.0.0.1:8000"),), base=EgressPolicy())

    assert len(policy(ceiling, private_hosts=("127.0.0.1:8000",)).private_hosts) == 1
    for other in ("127.0.0.1:8001", "127.0.0.2:8000", "localhost:8000"):
        with pytest.raises(DeniedError):
            policy(ceiling, private_hosts=("127.0.0.1:8000", other))


@pytest.mark.parametrize("field", ["allow_hosts", "deny_hosts", "private_hosts"])
@pytest.mark.parametrize("entry", ["", "http://a/", "a b", "*.*", "a:99999", "\ud800"])
def test_a_malformed_entry_is_refused_under_its_own_name(field: str, entry: str) -> None:
    with pytest.raises(InvalidError) as caught:
        policy(**{field: (entry,)})

    assert caught.value.fields["field"] == f"egress.{field}"


def test_what_the_server_denies_stays_denied_whatever_the_session_asks() -> None:
    base = EgressPolicy(deny_hosts=parse_host_patterns(("evil.test",), field="egress_deny_hosts"))
    found = policy(EgressCeiling(private_hosts=None, base=base), allow_hosts=("evil.test",), deny_hosts=("other.test",))

    assert [entry.text for entry in found.deny_hosts] == ["evil.test", "other.test"]


def test_the_sessions_upstream_goes_before_the_servers() -> None:
    base = EgressPolicy(upstream=parse_upstream("socks5://server.test:1080"))
    ceiling = EgressCeiling(private_hosts=None, base=base)

    assert policy(ceiling).upstream == base.upstream
    chosen = policy(ceiling, "http://ann:secret@mine.test:3128").upstream
    assert chosen is not None
    assert (chosen.host, chosen.port) == ("mine.test", 3128)


@pytest.mark.parametrize("url", ["ftp://a:1", "http://", "http://a:0", "javascript:x", "http://a:1/path?x", "\n"])
def test_a_malformed_upstream_is_refused(url: str) -> None:
    with pytest.raises(InvalidError):
        policy(upstream=url)


@pytest.mark.parametrize("url", ["http://ann:s3cret@proxy.test:3128", "socks5://ann:s3cret@proxy.test:1080"])
def test_what_is_shown_of_an_upstream_holds_no_credentials(url: str) -> None:
    shown = without_credentials(EgressOptions(upstream=url)).upstream

    assert shown is not None
    assert "s3cret" not in shown
    assert "ann" not in shown
    assert shown == f"{url.split(':')[0]}://proxy.test:{url.rsplit(':')[-1]}"
    assert without_credentials(EgressOptions()).upstream is None


def test_what_is_shown_of_an_upstream_can_be_read_again() -> None:
    """A stored session's options are parsed anew after a restart."""
    for url in ("http://proxy.test:3128", "socks5://[2001:db8::1]:1080", "socks5h://proxy.test"):
        shown = without_credentials(EgressOptions(upstream=url)).upstream
        assert shown is not None
        assert parse_upstream(shown) == parse_upstream(url)


def test_a_session_may_narrow_the_ports_and_schemes_but_not_widen_them() -> None:
    base = EgressPolicy(ports=parse_ports("80,443,8000-8999"))
    found = policy(EgressCeiling(None, base), ports=("443", "8443-9443", "22"), schemes=("https",))

    assert [port for port in (22, 80, 443, 8080, 8443, 9000) if found.ports.permits(port)] == [443, 8443]
    assert found.schemes == {Scheme.HTTPS}


def test_a_malformed_port_is_refused_under_its_own_name() -> None:
    with pytest.raises(InvalidError) as caught:
        policy(ports=("99999",))

    assert caught.value.fields["field"] == "egress.ports"
