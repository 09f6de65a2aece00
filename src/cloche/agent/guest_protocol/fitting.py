"""Answers that go into a frame: what would not is made smaller where that does least harm, and says so. Pure."""

from typing import Any, Final, NamedTuple

from cloche.wire.frames import MAX_FRAME_BYTES, encode_frame, encode_json
from cloche.wire.guest import Answer, Tagged, error
from cloche.wire.messages import Payload

CUT: Final = "\n[the rest is left out]"
"""Stands at the end of an output that was cut."""

_SHORT_TEXT: Final = 128
_PIECE: Final = 1024


class Output(NamedTuple):
    """What a command has printed on one stream, and whether there was more of it."""

    text: str
    is_cut: bool = False
    last_words: str = ""
    """Ours, on a line at its end; never cut."""


def frame_answer(answer: Tagged) -> bytes:
    """Return the frame of an answer, cut to fit; an `Error` in its place where even that is too large."""
    body = encode_json(answer.value())
    for shorten in (_without_outputs, _with_short_texts):
        if len(body) > MAX_FRAME_BYTES:
            answer = Tagged(answer.tag, shorten(answer.fields, len(body) - MAX_FRAME_BYTES))
            body = encode_json(answer.value())
    if len(body) > MAX_FRAME_BYTES:
        body = encode_json(error(f"the {answer.tag} does not fit into a frame").value())
    return encode_frame(body)


def exec_result(exit_code: int, stdout: Output, stderr: Output) -> Tagged:
    """Build the answer to Exec. Each output may take half of the frame, and what the other leaves of its own."""
    empty = Tagged(Answer.EXEC_RESULT, {"exit_code": exit_code, "stdout": "", "stderr": ""})
    room = MAX_FRAME_BYTES - len(encode_json(empty.value()))
    stdout_size, stderr_size = (_encoded(_whole(output)) for output in (stdout, stderr))
    stdout_room = max(room // 2, room - stderr_size)
    stderr_room = room - min(stdout_room, stdout_size)
    fields = {"exit_code": exit_code, "stdout": _fit(stdout, stdout_room), "stderr": _fit(stderr, stderr_room)}
    return Tagged(Answer.EXEC_RESULT, fields)


def _fit(output: Output, room: int) -> str:
    whole = _whole(output)
    if _encoded(whole) <= room:
        return whole
    end = _whole(Output("", is_cut=True, last_words=output.last_words))
    return _beginning(output.text, room - _encoded(end)) + end


def _whole(output: Output) -> str:
    text = output.text + CUT if output.is_cut else output.text
    if not output.last_words:
        return text
    newline = "\n" if text and not text.endswith("\n") else ""
    return f"{text}{newline}[{output.last_words}]"


def _beginning(text: str, room: int) -> str:
    """Return as many whole characters as take `room` bytes in JSON, where one can take up to six."""
    end = 0
    while end < len(text):
        piece = text[end : end + _PIECE]
        size = _encoded(piece)
        if size > room:
            break
        room, end = room - size, end + len(piece)
    while end < len(text) and (size := _encoded(text[end])) <= room:
        room, end = room - size, end + 1
    return text[:end]


def _encoded(text: str) -> int:
    return len(encode_json(text)) - 2  # the quotes


def _without_outputs(fields: Payload, excess: int) -> Payload:
    """Leave out the outputs of probes, the largest first, until enough bytes are gone."""
    probes = fields.get("probes")
    if not isinstance(probes, list):
        return fields
    probes = list(probes)
    sizes = {i: len(encode_json(probe["output"])) for i, probe in enumerate(probes) if "output" in probe}
    for i in sorted(sizes, key=lambda i: sizes[i], reverse=True):
        if excess <= 0:
            break
        kept = {key: value for key, value in probes[i].items() if key != "output"}
        kept["detail"] = f"{kept.get('detail', '')} (output of {sizes[i]} bytes left out: too large)".lstrip()
        excess -= len(encode_json(probes[i])) - len(encode_json(kept))
        probes[i] = kept
    return fields | {"probes": probes}


def _with_short_texts(fields: Payload, _excess: int) -> Payload:
    """Cut every text in it to its first characters."""
    return {key: _shortened(value) for key, value in fields.items()}


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _SHORT_TEXT:
        return value[: _SHORT_TEXT - 1] + "…"
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    return value
