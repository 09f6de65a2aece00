from hypothesis import given
from hypothesis import strategies as st

from cloche.sandbox.namespace.uid_range import UidRange, holders, is_covered, pick

RANGE = UidRange(first=1000, count=10)


@given(st.text(max_size=40), st.sets(st.integers(990, 1020)))
def test_a_uid_is_free_and_in_the_range_or_there_is_none(session_id: str, taken: set[int]) -> None:
    uid = pick(RANGE, session_id, taken)
    if set(range(1000, 1010)) <= taken:
        assert uid is None
    else:
        assert uid in RANGE
        assert uid not in taken


def test_the_search_starts_elsewhere_for_each_session() -> None:
    assert len({pick(UidRange(), f"ses_{number}", ()) for number in range(50)}) > 45


def test_real_root_covers_the_default_range_and_a_container_does_not() -> None:
    assert is_covered("         0          0 4294967295\n", UidRange())
    assert not is_covered("         0       1000          1\n         1     100000      65536\n", UidRange())
    assert is_covered("0 100000 2100000000\n", UidRange())


def test_whoever_holds_uids_of_the_range_is_named() -> None:
    passwd = "root:x:0:0::/root:/bin/sh\nclaimed:x:1005:1005::/:/none\nbroken\n"
    subuid = "alice:900:50\nbob:900:101\ncarol:1010:65536\n"
    assert holders(RANGE, passwd, subuid) == ["claimed", "bob"]


def test_the_default_range_is_clear_of_what_useradd_gives_out() -> None:
    subuid = "".join(f"user{number}:{100_000 + number * 65_536}:65536\n" for number in range(5000))
    assert holders(UidRange(), "nobody:x:65534:65534::/:/none\n", subuid) == []
