"""The proto, the generated code, the contract and the snapshot agree.

To accept a new field or RPC: `script/proto`, then `CLOCHE_UPDATE_SNAPSHOTS=1 pytest tests/test_proto.py`.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.api.relay import RelayActionRequest, RelayActionResponse
from cloche.browser.contract.common import Failure
from cloche.browser.contract.use_cases import USE_CASES

ROOT = Path(__file__).parents[1]
PROTO = ROOT / "proto/cloche/browser/v1/browser.proto"
GENERATED = ROOT / "src/cloche/api/grpc/generated"
SNAPSHOT = ROOT / "tests/data/proto.json"

FILE: Any = pb.DESCRIPTOR
SERVICE = FILE.services_by_name["BrowserService"]
MESSAGES = FILE.message_types_by_name

# Of the service itself, without a twin in the contract.
OWN_RPCS = {
    "Health", "CreateSession", "CloseSession", "ListSessions", "GetSession", "RelayAction",
    "SleepSession", "HibernateSession", "WakeSession",
    "ListProfiles", "CreateProfile", "RenameProfile", "DeleteProfile", "SetActiveProfile", "ForkProfile", "SaveProfile",
    "ListDownloadArtifacts", "GetDownloadArtifact", "ReleaseDownloadArtifact", "DeleteDownloadArtifact",
}  # fmt: skip
# What the door adds to what the contract has: `v` everywhere, the session in requests.
ADDED = {
    "InspectSessionResponse": {"session"},
    "ClickResponse": {"artifact"},
    "ExportPdfResponse": {"artifact"},
}
# A dataclass that differs from another only in what a JSON document may have besides.
SAME_ON_THE_WIRE = {"StoredCookie": "Cookie"}


def contract_classes() -> dict[str, type]:
    """Every dataclass that goes over the wire by its name, those within others too."""
    found: dict[str, type] = {}
    for kind in (*(kind for case in USE_CASES for kind in (case.request, case.response)), RelayActionRequest,
                 RelayActionResponse):  # fmt: skip
        collect(kind, found)
    return found


def message_of(name: str) -> Any:
    return MESSAGES[SAME_ON_THE_WIRE.get(name, name)]


def collect(kind: type, found: dict[str, type]) -> None:
    assert found.setdefault(kind.__name__, kind) is kind, f"two dataclasses are named {kind.__name__}"
    for hint in get_type_hints(kind).values():
        shape = shape_of(hint)
        if is_dataclass(shape.kind):
            collect(shape.kind, found)


@dataclass(frozen=True)
class Shape:
    kind: Any
    is_list: bool = False
    may_be_none: bool = False


def shape_of(hint: Any) -> Shape:
    if get_origin(hint) is Annotated:
        return shape_of(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        (inner,) = (each for each in get_args(hint) if each is not type(None))
        return Shape(shape_of(inner).kind, may_be_none=True)
    if get_origin(hint) is list:
        return Shape(shape_of(get_args(hint)[0]).kind, is_list=True)
    return Shape(str if get_origin(hint) is Literal else hint)


CLASSES = contract_classes()
REQUESTS = {case.request.__name__ for case in USE_CASES} | {"RelayActionRequest"}
WIRE_TYPES = {"string": str, "bool": bool, "bytes": bytes, "double": float, "int64": int, "uint64": int, "uint32": int}


def wire_type(field: Any) -> str:
    """As it is written in the proto: `uint32`, `string`, or the message's name."""
    names = {
        value: name.removeprefix("TYPE_").lower() for name, value in vars(type(field)).items() if name[:5] == "TYPE_"
    }
    return str(field.message_type.name) if field.message_type else names[field.type]


def test_the_generated_code_is_what_the_proto_makes(tmp_path: Path) -> None:
    env = {**os.environ, "CLOCHE_PYTHON": sys.executable}
    subprocess.run([ROOT / "script/proto", tmp_path], check=True, env=env, timeout=60)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(made) == {path.name for path in GENERATED.glob("*_pb2*")}
    for name, content in made.items():
        assert (GENERATED / name).read_bytes() == content, f"{name} is stale: run script/proto"


def test_the_service_has_an_rpc_for_each_use_case_and_those_of_its_own() -> None:
    rpcs = {method.name: (method.input_type.name, method.output_type.name) for method in SERVICE.methods}
    assert set(rpcs) == {case.rpc for case in USE_CASES} | OWN_RPCS
    assert {case.rpc: rpcs[case.rpc] for case in USE_CASES} == {
        case.rpc: (case.request.__name__, case.response.__name__) for case in USE_CASES
    }


def test_a_message_has_the_fields_of_its_dataclass_and_no_others() -> None:
    for name, kind in CLASSES.items():
        of_the_door = {"v", *({"session_id"} if name in REQUESTS else ()), *ADDED.get(name, ())}
        assert set(message_of(name).fields_by_name) - of_the_door == {field.name for field in fields(kind)}, name


def test_a_field_has_the_type_of_its_twin() -> None:
    for name, kind in CLASSES.items():
        hints = get_type_hints(kind, include_extras=True)
        for field in fields(kind):
            described = message_of(name).fields_by_name[field.name]
            check_twins(described, shape_of(hints[field.name]), field.default, f"{name}.{field.name}")


def check_twins(described: Any, shape: Shape, default: object, name: str) -> None:
    assert described.is_repeated is shape.is_list, name
    if is_dataclass(shape.kind):
        assert described.message_type is message_of(shape.kind.__name__), name
        return
    if described.message_type is not None:
        assert (described.message_type.name, shape.kind) == ("CanonicalId", str), name
        return
    assert WIRE_TYPES[wire_type(described)] is shape.kind, name
    if not shape.is_list and default is not MISSING:
        # Where leaving it out and zero are two things, the wire must be able to tell them apart.
        zero_is_default = default is not None and default == shape.kind()
        assert described.has_presence is not zero_is_default, name


def test_every_message_tells_its_version() -> None:
    for name, message in MESSAGES.items():
        if name != "CanonicalId":
            field = message.fields_by_name["v"]
            assert (field.number, wire_type(field)) == (1, "uint32"), name


def test_every_message_is_used() -> None:
    used: set[str] = set()
    todo = [kind for method in SERVICE.methods for kind in (method.input_type, method.output_type)]
    while todo:
        message = todo.pop()
        if message.name not in used:
            used.add(message.name)
            todo += [field.message_type for field in message.fields if field.message_type]
    assert {name for name in used if not name.endswith("Entry") or name in MESSAGES} == set(MESSAGES)


def test_every_failure_is_named_in_the_proto() -> None:
    head = PROTO.read_text().partition("syntax =")[0]
    assert not {failure.value for failure in Failure} - set(re.findall(r"\b[a-z]+(?:_[a-z]+)*\b", head))


def numbers() -> dict[str, Any]:
    """What other people's programs were compiled with."""
    return {
        "rpcs": {each.name: [each.input_type.name, each.output_type.name] for each in SERVICE.methods},
        "messages": {
            name: {field.name: [field.number, wire_type(field), field.is_repeated] for field in message.fields}
            for name, message in MESSAGES.items()
        },
    }


def test_numbers_and_types_never_change_once_they_are_out() -> None:
    now = numbers()
    if os.environ.get("CLOCHE_UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    assert json.loads(SNAPSHOT.read_text()) == now
