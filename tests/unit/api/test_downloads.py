import re
from collections.abc import AsyncGenerator
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.api.downloads import MAX_NAME_CHARS, disposition, exactly

FORM = re.compile(r"""attachment; filename="([ !#-\[\]-~]*)"; filename\*=UTF-8''([A-Za-z0-9%._~-]+)""")


@given(st.text(max_size=300))
def test_any_name_makes_a_field_that_is_one(name: str) -> None:
    match = FORM.fullmatch(disposition(name))
    assert match is not None
    plain, full = match[1], unquote(match[2])
    assert plain and len(full) <= MAX_NAME_CHARS
    for each in (plain, full):
        assert not set(each) & set('"\\/:*?<>|%') and not each.startswith(".") and each.isprintable()


@pytest.mark.parametrize(
    ("name", "plain", "full"),
    [
        ("report.pdf", "report.pdf", "report.pdf"),
        ("naïve €.txt", "na_ve _.txt", "naïve €.txt"),
        ("../../etc/passwd", "__.._etc_passwd", "__.._etc_passwd"),
        ("a\r\nSet-Cookie: x", "a__Set-Cookie_ x", "a__Set-Cookie_ x"),
        ("..", "_", "_"),
        ("", "download", "download"),
        ("invoice\u202efdp.exe", "invoice_fdp.exe", "invoice_fdp.exe"),
    ],
)
def test_a_name_keeps_what_is_harmless(name: str, plain: str, full: str) -> None:
    match = FORM.fullmatch(disposition(name))
    assert match is not None
    assert (match[1], unquote(match[2])) == (plain, full)


@given(st.lists(st.binary(max_size=10), max_size=10), st.integers(0, 60))
async def test_never_more_than_was_announced_is_passed_on(pieces: list[bytes], length: int) -> None:
    async def source() -> AsyncGenerator[bytes]:
        for piece in pieces:
            yield piece

    passed = b"".join([piece async for piece in exactly(source(), length)])
    assert passed == b"".join(pieces)[:length]
