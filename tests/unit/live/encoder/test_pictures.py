"""One picture, several codecs: what comes out in which order, and when an encoder begins anew."""

from collections.abc import Sequence

from cloche.live.encoder import wire
from cloche.live.encoder.pictures import Pictures
from cloche.live.encoder.wire import CodecId, Task
from cloche.testing.jpegs import Watcher, quarters, shows_quarters

H264 = Task(CodecId.H264, False, 500_000)
VP8 = Task(CodecId.VP8, False, 500_000)
SMALLER = Task(CodecId.JPEG, False, quality=60, scale=0.5)


class Session:
    def __init__(self) -> None:
        self._pictures = Pictures()
        self._seq = 0

    def encode(self, jpeg: bytes, *tasks: Task) -> Sequence[wire.Encoded]:
        self._seq += 1
        task = wire.PictureTask(self._seq, self._seq * 40, tasks, memoryview(jpeg))
        chunks = []
        for data in self._pictures.encode(task):
            kind, flags, _, length = wire.HEAD.unpack_from(data)
            assert (kind, length) == (wire.Kind.CHUNK, len(data) - wire.HEAD.size)
            chunk = wire.parse_chunk(wire.Message(kind, flags, bytearray(data[wire.HEAD.size :])))
            assert chunk.seq == self._seq
            chunks.append(chunk)
        return chunks


def test_each_codec_gets_the_picture_in_the_order_it_was_asked_for() -> None:
    session = Session()
    for tasks in ((H264, VP8, SMALLER), (SMALLER, VP8, H264)):
        chunks = session.encode(quarters(320, 240), *tasks)
        assert [chunk.codec for chunk in chunks] == [task.codec for task in tasks]
        sizes = {chunk.codec: (chunk.width, chunk.height) for chunk in chunks}
        assert sizes == {CodecId.H264: (320, 240), CodecId.VP8: (320, 240), CodecId.JPEG: (160, 120)}


def test_all_show_the_same_colours() -> None:
    h264, vp8, jpeg = Session().encode(quarters(320, 240, "yuvj444p"), H264, VP8, SMALLER)
    assert shows_quarters(Watcher("h264").see(h264.data))
    assert shows_quarters(Watcher("vp8").see(vp8.data))
    assert shows_quarters(Watcher("mjpeg").see(jpeg.data))


def test_another_size_begins_with_a_key_frame() -> None:
    session, seen = Session(), []
    for size in ((320, 240), (320, 240), (321, 241), (400, 300), (400, 300)):
        seen += [(chunk.is_key, chunk.width) for chunk in session.encode(quarters(*size), H264, VP8)]
    first, last = (True, 320), (True, 400)
    assert seen == [first, first, *[(False, 320)] * 4, last, last, *[(False, 400)] * 2]


def test_a_fixed_size_stays_when_the_page_changes_its_own() -> None:
    session, fit = Session(), Task(CodecId.VP8, False, 500_000, fit_width=320, fit_height=240)
    watcher, keys = Watcher("vp8"), []
    for size in ((320, 240), (640, 480), (320, 480)):
        [chunk] = session.encode(quarters(*size), fit)
        frame = watcher.see(chunk.data)
        assert (frame.width, frame.height) == (chunk.width, chunk.height) == (320, 240)
        keys.append(chunk.is_key)
    assert keys == [True, False, False]


def test_a_codec_that_was_away_begins_with_a_key_frame() -> None:
    session = Session()
    keys = [
        [chunk.is_key for chunk in session.encode(quarters(320, 240), *tasks)]
        for tasks in ((H264, VP8), (H264, VP8), (H264,), (H264, VP8))
    ]
    assert keys == [[True, True], [False, False], [False], [False, True]]


def test_a_picture_that_is_none_yields_nothing_and_the_next_goes_on() -> None:
    session = Session()
    session.encode(quarters(320, 240), H264)
    assert session.encode(b"nothing", H264) == []
    [chunk] = session.encode(quarters(320, 240), H264)
    assert not chunk.is_key


def test_a_rate_of_nothing_yields_nothing() -> None:
    assert Session().encode(quarters(320, 240), Task(CodecId.VP8, False, 0)) == []


def test_an_encoder_that_fails_is_left_and_the_others_go_on() -> None:
    session = Session()
    # x264 refuses it; a rate beyond its integers.
    absurd = Task(CodecId.H264, False, 0xFFFFFFFF)
    chunks = session.encode(quarters(320, 240), absurd, VP8)
    assert CodecId.VP8 in [chunk.codec for chunk in chunks]
    [h264] = session.encode(quarters(320, 240), H264)
    assert h264.is_key
