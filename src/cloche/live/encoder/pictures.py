"""One picture in, a chunk for each codec out; keeps an encoder for each codec that is asked for."""

from collections.abc import Iterator
from typing import Final

from av.error import FFmpegError
from av.video.frame import VideoFrame

from cloche.live.encoder import wire
from cloche.live.encoder.decode import Decoder
from cloche.live.encoder.frames import FULL_RANGE, Shaper
from cloche.live.encoder.h264 import H264Encoder
from cloche.live.encoder.interval import Interval
from cloche.live.encoder.jpeg import JpegEncoder
from cloche.live.encoder.shape import scaled, video_shape
from cloche.live.encoder.video import VideoEncoder
from cloche.live.encoder.vp8 import Vp8Encoder

_VIDEO: Final[dict[wire.CodecId, type[VideoEncoder]]] = {
    wire.CodecId.H264: H264Encoder,
    wire.CodecId.VP8: Vp8Encoder,
}


class Pictures:
    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._decoder = Decoder()
        self._interval = Interval()
        self._video: dict[wire.CodecId, VideoEncoder] = {}
        self._jpeg: JpegEncoder | None = None
        self._shapers = {codec: Shaper(kind.pixel_format) for codec, kind in _VIDEO.items()}
        self._jpeg_shaper = Shaper(FULL_RANGE)

    def encode(self, task: wire.PictureTask) -> Iterator[bytes]:
        """Yield the messages to be sent; none of a picture, or for a codec, where it could not be done."""
        self._interval.next(task.taken_at_ms)
        self._forget({work.codec for work in task.tasks})
        if (frame := self._decoder.decode(task.jpeg)) is None:
            return
        for work in task.tasks:
            try:
                chunk = self._jpeg_chunk(task.seq, work, frame) if work.codec is wire.CodecId.JPEG else None
                chunk = chunk or self._video_chunk(task.seq, work, frame)
            except (FFmpegError, ValueError, MemoryError):
                # Whatever state it is in now: the next picture begins anew, with a key frame.
                self._forget({other.codec for other in task.tasks} - {work.codec})
                continue
            if chunk is not None:
                yield chunk

    def _forget(self, asked: "set[wire.CodecId]") -> None:
        """An encoder that has missed a picture could not go on without a key frame anyway."""
        for codec in self._video.keys() - asked:
            del self._video[codec]
        if wire.CodecId.JPEG not in asked:
            self._jpeg = None

    def _video_chunk(self, seq: int, work: wire.Task, frame: VideoFrame) -> bytes | None:
        if work.codec is wire.CodecId.JPEG or work.bits_per_second <= 0:
            return None
        shape = video_shape(frame.width, frame.height, work.fit_width, work.fit_height)
        encoder = self._video.get(work.codec)
        if encoder is None or not encoder.suits(shape.width, shape.height, work.bits_per_second):
            encoder = _VIDEO[work.codec](shape.width, shape.height, work.bits_per_second, self._threads)
            self._video[work.codec] = encoder
        shaped = self._shapers[work.codec].shape(frame, shape)
        encoded = encoder.encode(shaped, work.bits_per_second, self._interval, key=work.key)
        if encoded is None:
            return None
        return wire.chunk_message(
            seq, work.codec, is_key=encoded.is_key, width=shape.width, height=shape.height, data=encoded.data
        )

    def _jpeg_chunk(self, seq: int, work: wire.Task, frame: VideoFrame) -> bytes:
        width, height = scaled(frame.width, frame.height, work.scale)
        if self._jpeg is None or not self._jpeg.suits(width, height, work.quality):
            self._jpeg = JpegEncoder(width, height, work.quality)
        data = self._jpeg.encode(self._jpeg_shaper.resize(frame, width, height))
        return wire.chunk_message(seq, work.codec, is_key=True, width=width, height=height, data=data)
