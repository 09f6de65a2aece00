"""Describes the routes of the browser service in the API's OpenAPI document, from the same table and types.

Made only when the document is asked for. The fields' descriptions are the strings that stand below them in the source.
"""

import ast
import copy
import functools
import inspect
import json
import textwrap
from dataclasses import is_dataclass
from typing import Any, Final, Literal, get_args, get_type_hints

from pydantic import TypeAdapter

from cloche.api.rest.browsing import FAILED_STATUS, JSON_TYPE, OPERATIONS, PREFIX, RAW_TYPES, Operation, encode
from cloche.api.rest.browsing_examples import EXAMPLES
from cloche.api.rest.browsing_requests import CLIP_PARTS, query_names

TAG: Final = "browser"
REF: Final = "#/components/schemas/{model}"

Schema = dict[str, Any]
_Mode = Literal["validation", "serialization"]
_Input = tuple[str, _Mode, TypeAdapter[Any]]


def describe(document: Schema) -> None:
    """Add paths and components to `document`, which FastAPI made of the other routes."""
    requests, responses = _schemas("validation"), _schemas("serialization")
    components: Schema = document["components"]["schemas"]
    # What stands in requests and responses alike (cookies, say) is described as it may be sent.
    for name, schema in (responses | requests).items():
        assert name not in components, f"two components named {name}"
        components[name] = schema
    neighbour = document["paths"][PREFIX]["get"]
    for operation in OPERATIONS:
        described = _operation(operation, components)
        described["security"] = copy.deepcopy(neighbour["security"])
        described["responses"]["default"] = copy.deepcopy(neighbour["responses"]["default"])
        document["paths"].setdefault(PREFIX + operation.path, {})[operation.verb.lower()] = described


def _schemas(mode: _Mode) -> Schema:
    """Components by name: of requests in one mode, of responses in the other."""
    kinds = {each.request if mode == "validation" else each.response for each in OPERATIONS}
    inputs: list[_Input] = [
        (kind.__name__, mode, TypeAdapter(kind)) for kind in sorted(kinds, key=lambda kind: kind.__name__)
    ]
    _, made = TypeAdapter.json_schemas(inputs, ref_template=REF)
    defined: Schema = made.get("$defs", {})
    for kind in kinds:
        for each in _dataclasses(kind):
            _document(defined[each.__name__], each)
    return {name: _plain(schema) for name, schema in defined.items()}


def _operation(operation: Operation, components: Schema) -> Schema:
    example = EXAMPLES[operation.name]
    answer = json.loads(encode(example.response))
    content: Schema = {JSON_TYPE: {"schema": _ref(operation.response), "example": answer}}
    responses: Schema = {"200": {"description": "Done, or what failed: see `success`", "content": content}}
    for type_ in RAW_TYPES.get(operation.response, ()):
        content[type_] = {"schema": {"type": "string", "format": "binary"}}
        failed = {JSON_TYPE: {"schema": _ref(operation.response)}}
        responses[str(FAILED_STATUS)] = {"description": "There are no bytes; the answer says why", "content": failed}
    described: Schema = {
        "tags": [TAG],
        "operationId": operation.name,
        "summary": operation.name.replace("_", " ").capitalize(),
        "description": example.about,
        "parameters": [_SESSION_ID],
        "responses": responses,
    }
    if operation.verb == "POST":
        body = {"schema": _ref(operation.request), "example": example.request}
        is_required = bool(components[operation.request.__name__].get("required"))
        described["requestBody"] = {"required": is_required, "content": {JSON_TYPE: body}}
    else:
        described["parameters"] = [_SESSION_ID, *_parameters(operation.request, components, example.request)]
    return described


def _parameters(kind: type, components: Schema, example: Schema) -> list[Schema]:
    fields = components[kind.__name__].get("properties", {})
    box = components["Box"]["properties"]
    parameters = []
    for name, (in_box, _) in query_names(kind).items():
        part = name.removeprefix(f"{in_box}_")
        schema = dict(box[part] if in_box and part in CLIP_PARTS else fields[name])
        parameter: Schema = {"name": name, "in": "query", "required": False, "schema": schema}
        if "description" in schema:
            parameter["description"] = schema.pop("description")
        if name in example:
            parameter["example"] = example[name]
        parameters.append(parameter)
    return parameters


def _plain(schema: Any) -> Any:
    """Without pydantic's default texts, and with base64 as the service writes it."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _plain(value) for name, value in schema.items() if not _is_title(name, value)}
    if plain.get("format") in ("base64url", "binary"):
        plain |= {"format": "byte", "contentEncoding": "base64"}  # the word of OpenAPI 3.0, and that of 3.1
    return plain


def _is_title(name: str, value: object) -> bool:
    """Not a field of that name, whose value is a schema."""
    return name == "title" and isinstance(value, str)


def _document(schema: Schema, kind: type) -> None:
    if kind.__doc__ and not kind.__doc__.startswith(f"{kind.__name__}("):
        schema["description"] = inspect.cleandoc(kind.__doc__)
    for name, field in schema.get("properties", {}).items():
        if (text := _field_docs(kind).get(name)) is not None:
            field["description"] = text


@functools.cache
def _field_docs(kind: type) -> dict[str, str]:
    """The strings that stand below the fields of a dataclass and of its bases."""
    docs: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if not is_dataclass(each):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, behind in zip(body.body, body.body[1:], strict=False):
            match field, behind:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    docs[name] = inspect.cleandoc(text)
                case _:
                    continue
    return docs


def _dataclasses(kind: type) -> set[type]:
    """`kind` and every dataclass that its fields hold."""
    found: set[type] = set()
    left: list[Any] = [kind]
    while left:
        each = left.pop()
        if not (isinstance(each, type) and is_dataclass(each)):
            left += get_args(each)
        elif each not in found:
            found.add(each)
            left += get_type_hints(each).values()
    return found


_SESSION_ID: Final[Schema] = {
    "name": "session_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "title": "Session Id"},
}


def _ref(kind: type) -> Schema:
    return {"$ref": REF.format(model=kind.__name__)}
