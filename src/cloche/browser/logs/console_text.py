"""What a script logged, as text. Pure."""

from typing import Final

from cloche.browser.logs.console_events import Called, Preview, Stack, Value

MAX_ARGUMENTS: Final = 32
MAX_ARGUMENT_CHARS: Final = 1024
MAX_FRAMES: Final = 16


def message_of(event: Called) -> str:
    """The arguments, joined as a console shows them; `%s` and the like are filled in (Console standard, 2.2)."""
    parts = [text_of(argument) for argument in event.args[:MAX_ARGUMENTS]]
    if parts and event.args[0].type == "string" and "%" in parts[0]:
        parts = _filled(parts)
    return " ".join(parts)


def text_of(value: Value) -> str:
    if value.unserializableValue:
        return value.unserializableValue
    match value.type:
        case "string":
            return str(value.value)[:MAX_ARGUMENT_CHARS]
        case "undefined":
            return "undefined"
        case "object" if value.subtype == "null":
            return "null"
        case "object" if value.preview is not None and value.subtype not in ("error", "node"):
            return _preview(value.preview)[:MAX_ARGUMENT_CHARS]
        case "object" | "function" | "symbol" | "bigint":
            return value.description[:MAX_ARGUMENT_CHARS]
        case "boolean":
            return "true" if value.value else "false"
        case _:
            return (value.description or str(value.value))[:MAX_ARGUMENT_CHARS]


def stack_of(stack: Stack | None) -> str:
    """One line for each call, the innermost first; asynchronous parents under their name."""
    lines: list[str] = []
    while stack is not None and len(lines) < MAX_FRAMES:
        if lines and stack.description:
            lines.append(f"--- {stack.description[:64]} ---")
        for frame in stack.callFrames[: MAX_FRAMES - len(lines)]:
            name = frame.functionName[:128] or "(anonymous)"
            lines.append(f"at {name} ({frame.url[:512]}:{frame.lineNumber + 1}:{frame.columnNumber + 1})")
        stack = stack.parent
    return "\n".join(lines)


def _preview(preview: Preview) -> str:
    is_list = preview.subtype in ("array", "typedarray")
    shown = [_property(p.value, p.type) if is_list else f"{p.name}: {_property(p.value, p.type)}"
             for p in preview.properties]  # fmt: skip
    if preview.overflow:
        shown.append("…")
    body = ", ".join(shown)
    if is_list:
        return f"[{body}]"
    name = "" if preview.description in ("", "Object") else f"{preview.description} "
    return f"{name}{{{body}}}"


def _property(value: str, type_: str) -> str:
    return f'"{value}"' if type_ == "string" else value or type_


def _filled(parts: list[str]) -> list[str]:
    pattern, rest, text, position = parts[0], parts[1:], [], 0
    while (found := pattern.find("%", position)) >= 0 and found + 1 < len(pattern):
        text.append(pattern[position:found])
        kind = pattern[found + 1]
        if kind == "%":
            text.append("%")
        elif kind in "sdifoO" and rest:
            text.append(rest.pop(0))
        elif kind == "c" and rest:
            rest.pop(0)  # a style
        else:
            text.append(pattern[found : found + 2])
        position = found + 2
    text.append(pattern[position:])
    return ["".join(text), *rest]
