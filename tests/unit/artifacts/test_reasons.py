from cloche.artifacts.reasons import Reason, in_order


def test_reasons_are_told_in_one_order() -> None:
    assert in_order(frozenset(Reason)) == tuple(Reason)
    assert in_order(frozenset({Reason.POLYGLOT, Reason.TOO_LARGE})) == (Reason.TOO_LARGE, Reason.POLYGLOT)
