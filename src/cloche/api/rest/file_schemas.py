"""What goes over the REST border about files in a session."""

from typing import Annotated, Final, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from cloche.api.rest.file_paths import MAX_BASE64_CHARS, path_bytes
from cloche.api.rest.schemas import In, Out
from cloche.errors import AgentError
from cloche.wire.machine import MAX_PATH_BYTES
from cloche.wire.messages import Payload

MAX_ENTRIES: Final = 10_000
"""Of a listing."""
MAX_NOTES: Final = 1000

PathText = Annotated[str, StringConstraints(max_length=MAX_PATH_BYTES)]
PathBase64 = Annotated[str, StringConstraints(max_length=MAX_BASE64_CHARS)]
Mode = Annotated[str, StringConstraints(pattern=r"^0?[0-7]{3,4}$")]
Account = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]


class PathIn(In):
    """`path`, or for a name that is not UTF-8 `path_b64`."""

    path: PathText | None = None
    path_b64: PathBase64 | None = None

    def to_bytes(self) -> bytes:
        return path_bytes(self.path, self.path_b64, "path")


class DirectoryIn(PathIn):
    mode: Mode | None = None


class PermissionsIn(PathIn):
    """`mode` in octal. Owner and group can only be those that the session's files have anyway."""

    mode: Mode | None = None
    owner: Account | None = None
    group: Account | None = None


class WatchIn(PathIn):
    recursive: bool = False


class MoveIn(In):
    src_path: PathText | None = None
    src_path_b64: PathBase64 | None = None
    dest_path: PathText | None = None
    dest_path_b64: PathBase64 | None = None

    def to_bytes(self) -> tuple[bytes, bytes]:
        source = path_bytes(self.src_path, self.src_path_b64, "src_path")
        return source, path_bytes(self.dest_path, self.dest_path_b64, "dest_path")


class _Told(BaseModel):
    """Of an agent: strict, and what is not known is dropped."""

    model_config = ConfigDict(extra="ignore")


class FileOut(_Told):
    """`mode` as `ls -l` shows it; `size_bytes` is 0 for a directory. Where a name is not UTF-8, `name` and `path`
    approximate it and the `_b64` fields, which are there only then, hold it."""

    name: Annotated[str, Field(max_length=4096)]
    path: Annotated[str, Field(max_length=16_384)]
    size_bytes: Annotated[int, Field(ge=0, le=1 << 63)]
    is_dir: bool
    is_link: bool = False
    link_target: Annotated[str, Field(max_length=16_384)] | None = None
    mod_time: AwareDatetime
    mode: Annotated[str, Field(max_length=16)]
    name_b64: Annotated[str, Field(max_length=MAX_BASE64_CHARS)] | None = None
    path_b64: Annotated[str, Field(max_length=MAX_BASE64_CHARS)] | None = None
    link_target_b64: Annotated[str, Field(max_length=MAX_BASE64_CHARS)] | None = None


class OkOut(Out):
    ok: bool = True


class WatchOut(_Told):
    watch_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]


class UploadedOut(_Told):
    """`notes` tells what was left out or made otherwise than asked, and why."""

    files: Annotated[int, Field(ge=0, le=1 << 40)] = 0
    bytes: Annotated[int, Field(ge=0, le=1 << 63)] = 0
    notes: Annotated[list[Annotated[str, Field(max_length=8192)]], Field(max_length=MAX_NOTES)] = []


T = TypeVar("T", bound=BaseModel)

_FILES: Final = TypeAdapter(list[FileOut])


def read_files(payload: Payload) -> tuple[bytes, bool]:
    """A listing as the answer's JSON array, and whether it was cut. Raises: AgentError."""
    entries, is_cut = payload.get("entries"), payload.get("truncated") is True
    if not isinstance(entries, list):
        raise AgentError("the agent's answer was not understood")
    try:
        files = _FILES.validate_python(entries[:MAX_ENTRIES])
    except ValidationError as error:
        raise AgentError("the agent's answer was not understood") from error
    return _FILES.dump_json(files, exclude_unset=True), is_cut or len(entries) > MAX_ENTRIES


def told(kind: type[T], payload: Payload) -> T:
    """What an agent told, as a type. Raises: AgentError when it is none."""
    try:
        return kind.model_validate(payload)
    except ValidationError as error:
        raise AgentError("the agent's answer was not understood") from error
