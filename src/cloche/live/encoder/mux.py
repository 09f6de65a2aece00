"""Encoded frames to a WebM or MP4 file with chapters, in memory that cannot grow beyond its limit.

libav writes chapters that were set after the first frame into both containers when it closes them. MP4's index is
moved to the front (faststart), for which libav reads its own file again. WebM's stays at the end: its head says where,
and moving it loses the chapters.
"""

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Final

import av
from av.container.output import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

from cloche.live.encoder import wire

_MS: Final = Fraction(1, 1000)
_INDEX_BYTES_PER_FRAME: Final = 40
_INDEX_BYTES: Final = 16 * 1024
_BYTES_PER_MARK: Final = 120
"""Beside twice the title: MP4 has chapters in two forms."""
_LAST_MS: Final = 40
_FORMATS: Final = {wire.ContainerId.WEBM: "webm", wire.ContainerId.MP4: "mp4"}
_SMPTE170M: Final = 6
"""BT.601's matrix, in libav's count."""


class Muxer:
    """One file. A frame is written when the next has come, since only that tells how long it is shown."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._container: OutputContainer | None = None
        self._stream: Stream | None = None
        self._opening = wire.Opening(wire.ContainerId.WEBM, wire.CodecId.VP8, 2, 2, 0)
        self._held: tuple[int, bool, bytes] | None = None
        self._frames = 0
        self._written = 0
        self._is_full = False

    def open(self, opening: wire.Opening) -> None:
        """Raises: ValueError, av.FFmpegError."""
        self._opening = opening
        file = io.FileIO(self._descriptor, "r+b", closefd=False)
        options = {"movflags": "faststart"} if opening.container is wire.ContainerId.MP4 else {}
        self._container = av.open(
            file,
            "w",
            format=_FORMATS[opening.container],
            container_options=options,
            io_open=lambda _url, _flags, _options: _Again(self._descriptor),
        )
        self._stream = _add_stream(self._container, opening)
        self._stream.time_base = _MS

    @property
    def size_bytes(self) -> int:
        """Of the file, as far as it can be told: with the frame that is held, and the index that is to come."""
        held = len(self._held[2]) if self._held else 0
        return self._written + held + self._frames * _INDEX_BYTES_PER_FRAME + _INDEX_BYTES

    def add(self, pts_ms: int, data: bytes, *, is_key: bool) -> bool:
        """Take a frame; False where there is no room for it, and from then on, since the next ones build on it.

        One that is not later than the last is shown 1 ms after it. Raises: av.FFmpegError.
        """
        self._is_full |= self.size_bytes + len(data) + _INDEX_BYTES_PER_FRAME > self._opening.max_bytes
        if self._is_full:
            return False
        if self._held is None and not is_key:
            # Nobody could decode what comes before the first key frame.
            return True
        if self._held is not None:
            pts_ms = max(pts_ms, self._held[0] + 1)
            self._write(pts_ms)
        self._held = (pts_ms, is_key, data)
        self._frames += 1
        return True

    def finish(self, end_ms: int, marks: Sequence[tuple[int, str]]) -> None:
        """Write what is left, the chapters and the index. Raises: ValueError where there was no frame."""
        if self._container is None or self._held is None:
            raise ValueError("nothing was recorded")
        end_ms = max(end_ms, self._held[0] + _LAST_MS)
        self._write(end_ms)
        self._container.set_chapters(
            [
                {"id": number, "start": start, "end": end, "time_base": _MS, "metadata": {"title": title}}
                for number, (start, end, title) in enumerate(chapters(self._affordable(marks), end_ms), 1)
            ]
        )
        self._container.close()
        self._container = None

    def pieces(self) -> Iterator[bytes]:
        at = 0
        while piece := os.pread(self._descriptor, wire.PIECE_BYTES, at):
            at += len(piece)
            yield piece

    def _affordable(self, marks: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """The first ones, as far as there is room for them."""
        room = self._opening.max_bytes - self.size_bytes
        for at_ms, title in marks:
            room -= _BYTES_PER_MARK + 2 * len(title.encode())
            if room < 0:
                return
            yield at_ms, title

    def _write(self, until_ms: int) -> None:
        if self._container is None or self._stream is None or self._held is None:
            raise ValueError("the file is not open")
        pts_ms, is_key, data = self._held
        packet = Packet(data)
        packet.stream = self._stream
        packet.time_base, packet.pts, packet.dts = _MS, pts_ms, pts_ms
        packet.duration, packet.is_keyframe = until_ms - pts_ms, is_key
        self._container.mux_one(packet)
        self._written += len(data)


def chapters(marks: Iterable[tuple[int, str]], end_ms: int) -> Iterator[tuple[int, int, str]]:
    """Begin, end and title of each, in order: one lasts until the next. Of several at once the last is kept."""
    by_start = {min(max(at_ms, 0), end_ms - 1): title for at_ms, title in sorted(marks, key=lambda mark: mark[0])}
    starts = sorted(by_start)
    for start, end in zip(starts, [*starts, end_ms][1:], strict=True):
        yield start, end, by_start[start]


def _add_stream(container: OutputContainer, opening: wire.Opening) -> Stream:
    if opening.codec is wire.CodecId.H264:
        return container.add_mux_stream("h264", width=opening.width, height=opening.height)
    # VP8 itself does not say which colours it has, and players guess wrong; WebM can say it, and libav takes it from an
    # encoder, which is opened for nothing else. A frame rate of none, since there is no constant one.
    stream = container.add_stream("libvpx", rate=1000)
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = opening.width, opening.height, "yuv420p"
    context.time_base, context.framerate, context.thread_count = _MS, Fraction(0), 1
    context.color_range, context.colorspace = ColorRange.MPEG, _SMPTE170M
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.IEC61966_2_1
    return stream


class _Again:
    """The same file, read from a place of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._at = 0

    def read(self, size: int) -> bytes:
        data = os.pread(self._descriptor, size, self._at)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            raise OSError("its end is not known here")
        self._at = offset + (self._at if whence == os.SEEK_CUR else 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        """The descriptor is another's."""
