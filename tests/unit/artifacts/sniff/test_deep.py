import pytest

from cloche.artifacts.reasons import Reason
from cloche.artifacts.sniff.deep import MOST_BYTES, deep_reasons, must_be_read

FILLER = b"% nothing but a comment\n" * 40_000


@pytest.mark.parametrize(
    ("media_type", "evil"),
    [
        ("application/pdf", b"<</OpenAction<</S/JavaScript/JS(1)>>>>"),
        ("application/rtf", rb"{\object\objdata 0105}"),
        ("text/csv", b"\na,b\n=cmd|'/c calc'!A0,1\n"),
    ],
)
@pytest.mark.parametrize("piece", [100_001, 262_144])
def test_what_is_in_the_midst_is_found_wherever_pieces_end(media_type: str, evil: bytes, piece: int) -> None:
    def said(data: bytes) -> set[Reason]:
        return deep_reasons(media_type, (data[at : at + piece] for at in range(0, len(data), piece)))

    assert must_be_read(media_type) and said(FILLER + FILLER) == set()
    for at in (0, 524_280, 524_288 - len(evil) // 2, len(FILLER)):
        assert said(FILLER[:at] + evil + FILLER) == {Reason.ACTIVE_CONTENT}


def test_a_file_is_read_only_so_far() -> None:
    piece = bytes(8 << 20)
    pieces = iter([piece] * 100)
    assert deep_reasons("application/rtf", pieces) == {Reason.NOT_INSPECTED}
    assert len(list(pieces)) == 100 - (MOST_BYTES // len(piece) + 1)


def test_pictures_are_what_they_are_by_how_they_begin() -> None:
    assert not must_be_read("image/png") and not must_be_read("application/zip")
