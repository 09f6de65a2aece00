"""The user ids for sessions belong to nobody else."""

from cloche.daemon.doctor import uid_range
from cloche.sandbox.namespace.uid_range import UidRange

UIDS = UidRange(5000, 100)


def test_user_ids_that_someone_has_are_refused() -> None:
    whole = "0 0 4294967295\n"
    assert uid_range.judge(UIDS, maps=[whole], passwd="", subuid="").ok is True
    taken = uid_range.judge(UIDS, maps=[whole], passwd="ann:x:5050:5050::/home/ann:/bin/sh\n", subuid="")
    assert (taken.ok, "ann" in taken.found) == (False, True)


def test_user_ids_that_a_container_does_not_map_are_a_warning() -> None:
    assert uid_range.judge(UIDS, maps=["0 100000 1000\n"], passwd="", subuid="").ok is None
