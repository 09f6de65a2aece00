"""Messages to dataclasses and back, by the names of their fields; no message is named here but `CanonicalId`.

A message's field that is not set does not reach the dataclass, whose default then holds; so `optional` in the proto
marks just those whose zero means something. Requests are judged by the bounds that stand beside the dataclasses'
fields, which are those of REST. `v` stands in every message and in no dataclass.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, Final, Generic, TypeVar, get_args, get_type_hints

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from pydantic import TypeAdapter, ValidationError

from cloche.api.grpc.generated.browser_pb2 import CanonicalId
from cloche.errors import InvalidError

VERSION: Final = 1
MAX_DETAIL_CHARS: Final = 500
_PREFIXES: Final = {"session_id": "ses_", "profile_id": "prf_", "artifact_id": "art_"}

T = TypeVar("T")
Id = TypeVar("Id", bound=str)
M = TypeVar("M", bound=Message)

Encode = Callable[[Any], Any]


class Reader(Generic[T]):
    """Reads messages into one dataclass of the contract. To make one takes milliseconds, to use it microseconds."""

    def __init__(self, kind: type[T]) -> None:
        # Strict mode would want dataclasses within dataclasses; types are exact all the same, since the wire's are.
        self._adapter = TypeAdapter(kind)
        self._has_session = "session_id" in get_type_hints(kind)

    def read(self, message: Message) -> T:
        """Read a message; the session's id stays outside, unless the dataclass has such a field.

        Raises:
            InvalidError: a value is out of bounds, or the message's version is not known; `field` names it.
        """
        found = fields_of(message)
        if not self._has_session:
            found.pop("session_id", None)
        try:
            return self._adapter.validate_python(found, strict=False)
        except ValidationError as error:
            raise invalid(error) from None


class Writer(Generic[M]):
    """Writes one dataclass into one kind of message, field by field; None leaves a field out."""

    def __init__(self, kind: type, message: type[M]) -> None:
        hints, described = get_type_hints(kind), message.DESCRIPTOR.fields_by_name
        self._message = message
        self._plan = [(name, _encoder(hints[name], described[name])) for name in (each.name for each in fields(kind))]

    def write(self, value: object) -> M:
        found: dict[str, Any] = {"v": VERSION}
        for name, encode in self._plan:
            item = getattr(value, name)
            if item is not None:
                found[name] = encode(item) if encode else item
        try:
            return self._message(**found)
        except UnicodeEncodeError:
            return self._message(**{name: _encodable(item) for name, item in found.items()})


def fields_of(message: Message) -> dict[str, Any]:
    """The fields that are set, nested ones too. Raises: InvalidError for a version that is not known."""
    found: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.name == "v":
            if value != VERSION:
                raise InvalidError(f"v: this server speaks version {VERSION}", field="v")
        elif field.message_type is None:
            found[field.name] = list(value) if field.is_repeated else value
        elif field.message_type.GetOptions().map_entry:
            found[field.name] = dict(value)
        elif field.is_repeated:
            found[field.name] = [fields_of(item) for item in value]
        else:
            found[field.name] = value.ulid if isinstance(value, CanonicalId) else fields_of(value)
    return found


def invalid(error: ValidationError, rename: Callable[[str], str] = str) -> InvalidError:
    """Say what is wrong with the first field that is, as the REST door does; values are not repeated."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    name = rename(".".join(str(part) for part in problems[0]["loc"]))
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return InvalidError(f"{name}: {problems[0]['msg']}"[:MAX_DETAIL_CHARS] + more, field=name)


def bare_ulid(id_: str) -> str:
    """An id of ours as the wire has it."""
    return id_.rpartition("_")[2]


def asked_id(message: Any, field: str, parse: Callable[[str], Id]) -> Id:
    """The id in a request's `field`, with or without the prefix that `parse` wants. Raises: InvalidError."""
    text, prefix = getattr(message, field).ulid, _PREFIXES[field]
    try:
        return parse(text if text.startswith(prefix) else prefix + text)
    except InvalidError:
        detail = f"{field}: its ulid is the 26 characters of a ULID, with or without {prefix} before them"
        raise InvalidError(detail, field=field) from None


def _encoder(hint: object, field: Any) -> Encode | None:
    """How a field is written that has this type in the dataclass; None: as it is."""
    if field.message_type is None:
        return None
    message = GetMessageClass(field.message_type)
    if message is CanonicalId:
        return lambda id_: CanonicalId(ulid=bare_ulid(id_))
    one = Writer(_dataclass_of(hint), message).write
    return (lambda items: [one(item) for item in items]) if field.is_repeated else one


def _dataclass_of(hint: object) -> type:
    """The dataclass in `X`, `X | None`, `list[X]`."""
    if isinstance(hint, type) and is_dataclass(hint):
        return hint
    (found,) = (each for each in get_args(hint) if each is not type(None))
    return _dataclass_of(found)


def _encodable(item: object) -> object:
    """Lone surrogates, which a page can put into any text and UTF-8 has no form for, become question marks."""
    if isinstance(item, str):
        return item.encode("utf-8", "replace").decode()
    if isinstance(item, list):
        return [_encodable(each) for each in item]
    return item
