"""One recording on its way: frames in, batches for its spool out, and how far it has come."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from cloche.artifacts.model import Artifact
from cloche.live.model import Chunk, Codec
from cloche.sessions.live.interface import RecordingFormat, RecordingInfo, RecordingStatus
from cloche.sessions.live.recording.frames import packed
from cloche.sessions.live.recording.limits import Caps
from cloche.sessions.live.recording.marks import Marks
from cloche.sessions.live.recording.spool import Spool
from cloche.sessions.live.recording.timeline import Timeline

BATCH_BYTES: Final = 256 << 10
FRAME_BYTES: Final = 40
"""That a frame takes in a file's index; likewise what every file takes beside its frames."""
FILE_BYTES: Final = 16 << 10
MARK_BYTES: Final = 120
"""That a chapter takes beside twice its title."""

CODECS: Final = {RecordingFormat.WEBM: Codec.VP8, RecordingFormat.MP4: Codec.H264}

TIME_CAP: Final = "time_cap"
SIZE_CAP: Final = "size_cap"
RESIZED: Final = "resized"
STOPPED: Final = "stopped"
SESSION_ENDED: Final = "session_ended"
SERVER_STOPPING: Final = "server_stopping"
DISK_FULL: Final = "disk_full"
ERROR: Final = "error"

ENCODER_GONE: Final = "encoder_gone"


@dataclass(slots=True, eq=False)
class Part:
    """Filled by a `Run`, which is the only one to write its spool; then made into a file."""

    number: int
    format: RecordingFormat
    caps: Caps
    started_at: datetime
    begun: float
    """As the monotonic clock has it."""
    spool: Spool = field(repr=False)
    ended_by: str = ""
    timeline: Timeline = field(default_factory=Timeline)
    marks: Marks = field(default_factory=Marks)
    size: tuple[int, int] = (0, 0)
    """Of its first picture."""
    size_bytes: int = FILE_BYTES
    frames: int = 0
    end_ms: int = 0
    _batch: list[bytes] = field(default_factory=list, repr=False)
    _batch_bytes: int = 0

    @property
    def id(self) -> str:
        return f"r{self.number}"

    def is_over(self, now: float) -> bool:
        return now - self.begun >= self.caps.max_seconds

    def why_not(self, chunk: Chunk, now: float) -> str:
        """Why a frame cannot be of this part: one of the reasons above, or empty."""
        if self.is_over(now):
            return TIME_CAP
        if self.size_bytes + len(chunk.data) + FRAME_BYTES > self.caps.max_bytes:
            return SIZE_CAP
        if self.format is RecordingFormat.MP4 and self.frames and (chunk.width, chunk.height) != self.size:
            return RESIZED
        return ""

    def add(self, chunk: Chunk, now: float) -> None:
        """Take a frame; what comes before the first key frame nobody could decode."""
        if not self.frames:
            if not chunk.is_key:
                return
            self.size = (chunk.width, chunk.height)
        frame = packed(self.timeline.place(chunk.taken_at_ms, now), chunk.data, is_key=chunk.is_key)
        self._batch.append(frame)
        self._batch_bytes += len(frame)
        self.size_bytes += len(chunk.data) + FRAME_BYTES
        self.frames += 1

    def mark(self, title: str, now: float) -> None:
        if self.marks.add(self.timeline.at_ms(now), title):
            self.size_bytes += MARK_BYTES + 2 * len(title.encode())

    def batch(self, *, whole: bool = False) -> bytes:
        """What is to be spooled: empty while that is little, unless `whole`."""
        if not self._batch or (self._batch_bytes < BATCH_BYTES and not whole):
            return b""
        batch = b"".join(self._batch)
        self._batch, self._batch_bytes = [], 0
        return batch

    def end(self, reason: str, now: float) -> None:
        """The last frame is shown until now."""
        self.ended_by = reason
        self.end_ms = self.timeline.at_ms(now)

    def info(self, now: float) -> RecordingInfo:
        """While it is running or finishing."""
        end_ms = self.end_ms if self.ended_by else self.timeline.at_ms(now)
        return RecordingInfo(
            id=self.id,
            status=RecordingStatus.FINISHING if self.ended_by else RecordingStatus.RUNNING,
            format=self.format,
            started_at=self.started_at,
            seconds=end_ms / 1000,
            bytes=self.size_bytes if self.frames else 0,
            ended_by=self.ended_by,
            marks=self.marks.all(),
        )

    def made(self, artifact: Artifact) -> RecordingInfo:
        """It has become a file. One that ended by an error has failed, and what there was of it is kept."""
        has_failed = self.ended_by == ERROR
        return replace(
            self.info(self.begun),
            status=RecordingStatus.FAILED if has_failed else RecordingStatus.READY,
            bytes=artifact.size_bytes,
            artifact_id=artifact.id,
            error=ENCODER_GONE if has_failed else "",
        )

    def failed(self, why: str) -> RecordingInfo:
        """Nothing of it is kept."""
        return replace(self.info(self.begun), status=RecordingStatus.FAILED, error=why)
