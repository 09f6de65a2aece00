"""JPEG to a frame, by libav's decoder. The pictures are a stranger's: whatever happens here is worth a child."""

from av.codec.context import CodecContext
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from cloche.live.encoder.jpeg_head import MAX_PIXELS, MAX_SIDE, read_head


class Decoder:
    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._context: VideoCodecContext | None = None

    def decode(self, jpeg: memoryview) -> VideoFrame | None:
        """The picture; None where it is none, is too large, or is of a kind that browsers do not make."""
        if read_head(jpeg) is None:
            return None
        try:
            frames = self._open().decode(Packet(bytes(jpeg)))
        except (FFmpegError, ValueError, MemoryError):
            # Tables of a broken picture are not to be used for the next.
            self._context = None
            return None
        # Later frame headers of the same file may say another size than the first.
        if not frames or frames[0].width > MAX_SIDE or frames[0].height > MAX_SIDE:
            self._context = None
            return None
        return frames[0]

    def _open(self) -> VideoCodecContext:
        if self._context is None:
            self._context = CodecContext.create("mjpeg", "r")
            self._context.thread_count = self._threads
            self._context.options = {"max_pixels": str(MAX_PIXELS)}
        return self._context
