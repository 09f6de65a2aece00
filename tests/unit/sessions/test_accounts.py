from cloche.sandbox.driver import Usage
from cloche.sessions.accounts import Accounts
from cloche.sessions.model import SessionUsage


def test_an_adopted_session_goes_on_counting_where_it_was_written_down() -> None:
    before = SessionUsage(egress_bytes_in=5, egress_bytes_out=6, egress_connections=7, egress_refusals=8)
    accounts = Accounts(before)
    accounts.counters.bytes_in += 10

    found = accounts.usage(clients=2, actions=4)
    assert (found.egress_bytes_in, found.egress_bytes_out) == (15, 6)
    assert (found.egress_connections, found.egress_refusals) == (7, 8)
    assert (found.devtools_clients, found.actions) == (2, 4)


def test_a_kill_for_memory_is_noticed_once() -> None:
    accounts = Accounts(SessionUsage())

    assert not accounts.read(Usage(memory_bytes=1))
    assert accounts.read(Usage(memory_bytes=1, out_of_memory_kills=2))
    assert not accounts.read(Usage(memory_bytes=1, out_of_memory_kills=2))
    assert not accounts.read(Usage(memory_bytes=1)), "a host that cannot tell has not taken it back"
    assert accounts.kills == 2


def test_a_reading_that_tells_nothing_keeps_what_is_known() -> None:
    accounts = Accounts(SessionUsage())
    accounts.read(Usage(memory_bytes=64, cpu_seconds=0.5))
    accounts.read(Usage(out_of_memory_kills=1))

    assert accounts.usage(clients=0, actions=0).memory_bytes == 64


def test_restarts_never_become_fewer() -> None:
    accounts = Accounts(SessionUsage(browser_restarts=2))
    accounts.restarted(3)
    accounts.restarted(0)

    assert accounts.restarts == accounts.usage(clients=0, actions=0).browser_restarts == 3


def test_the_last_reading_of_memory_and_tasks_is_kept_until_the_next() -> None:
    accounts = Accounts(SessionUsage())
    assert (accounts.memory_bytes, accounts.tasks) == (None, None)
    accounts.read(Usage(memory_bytes=64, processes=90))
    accounts.read(Usage(out_of_memory_kills=1))
    assert (accounts.memory_bytes, accounts.tasks) == (64, 90)
