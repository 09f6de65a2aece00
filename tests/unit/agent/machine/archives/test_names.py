import os
import tempfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.agent.machine.archives.names import check_link, parts_of, shown
from cloche.agent.machine.problem import Problem

NAMES = st.lists(st.sampled_from([b"a", b"b", b"..", b".", b""]), max_size=6).map(b"/".join)


@given(NAMES)
def test_a_name_that_is_taken_stays_within_what_it_is_joined_to(name: bytes) -> None:
    try:
        parts = parts_of(name)
    except Problem as problem:
        assert problem.code == ("absolute_name" if name.startswith(b"/") else "leaves_destination")
        assert name.startswith(b"/") or b".." in name.split(b"/")
    else:
        assert os.path.normpath(b"/".join(parts) or b".") == os.path.normpath(name or b".")


@given(st.binary(max_size=50))
def test_a_name_of_any_bytes_has_parts_that_can_be_made_or_is_refused(name: bytes) -> None:
    try:
        parts = parts_of(name)
    except Problem as problem:
        assert problem.status == 400
    else:
        assert all(part not in (b"", b".", b"..") and not {0, ord("/")} & set(part) for part in parts)


LINKS = st.dictionaries(
    st.sampled_from([(b"a",), (b"b",), (b"d", b"a"), (b"d", b"e", b"a"), (b"d", b"e", b"b")]),
    st.lists(st.sampled_from([b"..", b"a", b"b", b"d", b"e", b"."]), min_size=1, max_size=5).map(b"/".join),
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINKS)
def test_no_set_of_links_that_are_taken_leads_out(links: dict[tuple[bytes, ...], bytes]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        base = os.path.join(os.path.realpath(os.fsencode(directory)), b"base")
        os.makedirs(os.path.join(base, b"d", b"e"))
        for parts, target in links.items():
            try:
                check_link(parts, target)
            except Problem as problem:
                assert problem.code == "link_leaves"
            else:
                os.symlink(target, os.path.join(base, *parts))
        for parts in links:
            real = os.path.realpath(os.path.join(base, *parts))
            assert real == base or real.startswith(base + b"/")


@pytest.mark.parametrize(
    ("parts", "target"), [((b"l",), b"x/y"), ((b"d", b"l"), b"../x"), ((b"d", b"l"), b".."), ((b"l",), b"./x//y/.")]
)
def test_a_link_within_is_taken(parts: tuple[bytes, ...], target: bytes) -> None:
    check_link(parts, target)


def test_a_name_is_shown_on_one_line_and_short() -> None:
    assert shown(b"a\nb\xff\x1b[1m" + b"x" * 1000) == "a�b��[1m" + "x" * 192
