"""From what a JPEG held to what an encoder takes: colour format and range, size, even sides, black bars."""

from typing import Final

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from cloche.live.encoder.shape import Shape

FULL_RANGE: Final = "yuvj420p"
LIMITED_RANGE: Final = "yuv420p"
BT601: Final = 5
"""As swscale counts: the matrix of every JPEG (JFIF 1.02), and of VP8."""

_BLACK: Final = {FULL_RANGE: (0, 128, 128), LIMITED_RANGE: (16, 128, 128)}


class Shaper:
    """Makes frames of one format; keeps what swscale has worked out for the last size."""

    def __init__(self, pixel_format: str) -> None:
        self._format = pixel_format
        self._range = ColorRange.JPEG if pixel_format == FULL_RANGE else ColorRange.MPEG
        self._reformatter = VideoReformatter()

    def shape(self, frame: VideoFrame, shape: Shape) -> VideoFrame:
        """The frame itself where nothing is to be done. A last odd row or column is cut off, which costs far less
        than scaling and leaves text sharp."""
        inner = self._inner(frame, shape.inner_width, shape.inner_height)
        if (inner.width, inner.height) == (shape.width, shape.height):
            return inner
        return self._placed(inner, shape)

    def resize(self, frame: VideoFrame, width: int, height: int) -> VideoFrame:
        """In this format and of exactly this size."""
        if (frame.width, frame.height, frame.format.name) == (width, height, self._format):
            return frame
        return self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=self._format,
            src_colorspace=BT601,
            dst_colorspace=BT601,
            src_color_range=ColorRange.JPEG,
            dst_color_range=self._range,
            interpolation=Interpolation.BILINEAR,
            threads=1,
        )

    def _inner(self, frame: VideoFrame, width: int, height: int) -> VideoFrame:
        is_cut = (frame.width, frame.height) != (width, height)
        if is_cut and 0 <= frame.width - width <= 1 and 0 <= frame.height - height <= 1:
            whole = self.resize(frame, frame.width, frame.height)
            cut = VideoFrame(width, height, self._format)
            _copy(whole, cut, 0, 0)
            return cut
        return self.resize(frame, width, height)

    def _placed(self, inner: VideoFrame, shape: Shape) -> VideoFrame:
        outer = VideoFrame(shape.width, shape.height, self._format)
        for plane, value in zip(outer.planes, _BLACK[self._format], strict=True):
            memoryview(plane)[:] = bytes((value,)) * plane.buffer_size
        _copy(inner, outer, shape.left, shape.top)
        return outer


def _copy(source: VideoFrame, target: VideoFrame, left: int, top: int) -> None:
    """Copy what fits; `left` and `top` are even."""
    for number, (old, new) in enumerate(zip(source.planes, target.planes, strict=True)):
        half = 1 if number == 0 else 2
        columns = min(source.width, target.width - left) // half
        rows = min(source.height, target.height - top) // half
        start = top // half * new.line_size + left // half
        theirs, ours = memoryview(old), memoryview(new)
        if old.line_size == new.line_size and not start:
            size = (rows - 1) * old.line_size + columns
            ours[:size] = theirs[:size]
            continue
        for row in range(rows):
            ours[start : start + columns] = theirs[row * old.line_size : row * old.line_size + columns]
            start += new.line_size
