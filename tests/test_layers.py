"""Imports run downward, and pure files stay pure: the table and the stars of docs/architecture.md, as a test.

The imports are read from the source with `ast`, also those inside functions; nothing is executed.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"

LEAVES = frozenset({"errors", "ids", "clock"})
FOUNDATION = LEAVES | {"wire", "concurrency", "data_plane", "process", "storage", "telemetry", "vault"}
CONCERNS = frozenset({"sandbox", "agent_link", "egress", "browser", "profiles", "artifacts", "live", "audit"})

# Who may import whom: the first part of the module's path below `cloche`, and the parts it may reach.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "clock": frozenset(),
    "ids": frozenset({"errors"}),
    "wire": frozenset(),
    "agent": frozenset({"wire"}),
    "concurrency": LEAVES,
    "telemetry": LEAVES | {"concurrency"},
    "process": LEAVES | {"concurrency", "telemetry"},
    "storage": LEAVES | {"concurrency", "telemetry"},
    "vault": LEAVES | {"concurrency", "storage", "telemetry"},
    "data_plane": LEAVES | {"concurrency", "process", "telemetry"},
    **dict.fromkeys(CONCERNS, FOUNDATION),
    "sessions": FOUNDATION | CONCERNS,
    # The doors know sessions and, for types alone, the concerns: see TYPES_OF_CONCERNS.
    "api": FOUNDATION | {"sessions"},
    "console": FOUNDATION | {"sessions"},
    "client": frozenset({"errors", "ids"}),
    # `serve` and `doctor` start the daemon from the command line; every other group goes through the client. `agent`
    # also asks any agent's socket, a virtual machine's say, and needs no daemon for it: hence the link and its wire.
    "cli": frozenset({"client", "daemon", "agent_link", "wire", "errors", "ids"}),
    "daemon": FOUNDATION | CONCERNS | {"sessions", "api", "console"},
    "testing": FOUNDATION | CONCERNS | {"sessions", "api", "console", "client", "daemon", "cli", "agent"},
}

# What a door may take from a concern: files that hold types and no behaviour with a life of its own.
TYPES_OF_CONCERNS = frozenset(
    {
        "sandbox.spec",
        "sandbox.driver",
        "egress.policy",
        "artifacts.model",
        "audit.model",
        "audit.bounds",
        "profiles.model",
        "browser.contract",
        "live.model",
        "live.messages",
        "live.legacy_messages",
        "live.binary",
        "live.watching",
        "live.input.rate",
        "live.webrtc",
    }
)

STDLIB_ONLY = ("agent", "wire")

# Bytes or facts in, decisions out. A pattern is matched against the module's path below `cloche`.
PURE = (
    "wire",
    "agent.sleep_states",
    "agent.watch.tree",
    "agent.watch.changes",
    "sandbox.namespace.argv",
    "sandbox.namespace.uid_range",
    "process.pressure",
    "vault.sealed",
    "vault.keys",
    "egress.policy",
    "egress.addresses",
    "egress.socks5",
    "browser.launch",
    "browser.contract",
    "browser.key_table",
    "browser.keyboard",
    "browser.snapshot",
    "browser.redact",
    "browser.selector",
    "profiles.lease",
    "profiles.model",
    "artifacts.model",
    "artifacts.names",
    "artifacts.sniff",
    "artifacts.reasons",
    "artifacts.scan_argv",
    "browser.state.kept_state",
    "audit.model",
    "artifacts.types",
    "artifacts.verdict",
    "live.model",
    "live.messages",
    "live.legacy_messages",
    "live.binary",
    "live.input",
    "live.pace",
    "live.webrtc.candidates",
    "live.webrtc.describe",
    "live.webrtc.ice",
    "live.webrtc.model",
    "live.webrtc.packets",
    "live.webrtc.payloads",
    "live.webrtc.rate",
    "live.webrtc.sdp",
    "sessions.usage_report",
    "sessions.live.cdp_words",
    "sessions.live.control",
    "sessions.live.cursors",
    "sessions.live.devices",
    "sessions.live.input_kinds",
    "sessions.live.tabs",
    "live.ack_pace",
    "live.encoder_argv",
    "process.seccomp.filter_table",
    "data_plane.frames",
    "data_plane.lease",
    "live.encoder.interval",
    "live.encoder.jpeg_head",
    "live.encoder.shape",
    "live.encoder.wire",
    "api.live.closing",
    "api.live.frames",
    "api.live.hello",
    "audit.chain",
    "sessions.machine",
    "sessions.budget",
    "sessions.idle",
    "sessions.browsing.domains",
    "sessions.browsing.limits",
    "sessions.browsing.meter",
    "sessions.browsing.refusals",
    "sessions.browsing.rules",
    "sessions.browsing.usage",
    "sessions.admission",
    "sessions.pressure.demand",
    "sessions.pressure.judge",
    "sessions.waiting.line",
    "sessions.waiting.turnover",
    "sessions.reconcile",
    "sessions.agent_news",
    "sessions.machine_errors",
    "sessions.machine_rights",
    "agent_link.http_body",
    "sessions.agent_readings",
    "sessions.agent_values",
    "sessions.exec_request",
    "api.devtools_door.head",
)
IMPURE_IMPORTS = frozenset(
    {"asyncio", "socket", "subprocess", "os", "time", "threading", "select", "selectors", "signal"}
)
IMPURE_CALLS = frozenset({"now", "utcnow", "today", "open", "read_text", "read_bytes", "write_text", "write_bytes"})


@dataclass(frozen=True, slots=True)
class Module:
    """One source file. `name` is its dotted path below `cloche`; the part is the first word of it."""

    name: str
    path: Path

    @property
    def part(self) -> str:
        return self.name.partition(".")[0]

    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(), filename=str(self.path))


def modules() -> list[Module]:
    found = []
    for path in sorted((SRC / "cloche").rglob("*.py")):
        parts = path.relative_to(SRC / "cloche").with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts:
            found.append(Module(".".join(parts), path))
    return found


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Yield line and absolute dotted name of everything imported, names taken from a package included."""
    for node in ast.walk(module.tree()):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.path}:{node.lineno}: relative imports hide the layer"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def is_under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def reaches(module: Module, target: str) -> bool:
    """Whether `module` may import `target`, both as dotted paths below `cloche`."""
    part = target.partition(".")[0]
    if part == module.part or part in MAY_IMPORT[module.part]:
        return True
    return module.part in {"api", "console"} and any(is_under(target, types) for types in TYPES_OF_CONCERNS)


def own_imports(module: Module) -> Iterator[tuple[int, str]]:
    for line, name in imports(module):
        if is_under(name, "cloche") and name not in ("cloche", "cloche.__version__"):
            yield line, name.removeprefix("cloche.")


MODULES = modules()


def test_every_part_of_the_house_has_its_place_in_the_table() -> None:
    assert {module.part for module in MODULES} <= set(MAY_IMPORT)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_imports_run_downward(module: Module) -> None:
    upward = [
        f"{module.path.relative_to(SRC)}:{line}: {module.part} may not import cloche.{target}"
        for line, target in own_imports(module)
        if not reaches(module, target)
    ]
    assert not upward, "\n".join(upward)


@pytest.mark.parametrize("module", [m for m in MODULES if m.part in STDLIB_ONLY], ids=lambda module: module.name)
def test_what_runs_inside_needs_nothing_installed(module: Module) -> None:
    foreign = [
        f"{module.path.relative_to(SRC)}:{line}: {name} is not in the standard library"
        for line, name in imports(module)
        if name.partition(".")[0] not in sys.stdlib_module_names and not is_under(name, "cloche")
    ]
    assert not foreign, "\n".join(foreign)


@pytest.mark.parametrize(
    "module", [m for m in MODULES if any(is_under(m.name, p) for p in PURE)], ids=lambda module: module.name
)
def test_pure_files_do_no_input_or_output(module: Module) -> None:
    impure = [
        f"{module.path.relative_to(SRC)}:{line}: a pure file imports {name}"
        for line, name in imports(module)
        if name.partition(".")[0] in IMPURE_IMPORTS
    ]
    impure += [
        f"{module.path.relative_to(SRC)}:{node.lineno}: a pure file calls {called_name(node)}()"
        for node in ast.walk(module.tree())
        if isinstance(node, ast.Call) and called_name(node) in IMPURE_CALLS
    ]
    assert not impure, "\n".join(impure)


def called_name(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def test_package_inits_hold_only_a_docstring() -> None:
    busy = [
        str(module.path.relative_to(SRC))
        for module in MODULES
        if module.path.name == "__init__.py" and not is_only_docstring(module.tree())
    ]
    assert not busy, f"logic or no docstring in {busy}"


def is_only_docstring(tree: ast.Module) -> bool:
    return len(tree.body) == 1 and ast.get_docstring(tree) is not None
