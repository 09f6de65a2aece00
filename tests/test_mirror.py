"""tests/unit mirrors src: src/cloche/a/b.py is tested in tests/unit/a/test_b.py.

What cannot be tested apart from the rest is listed in ELSEWHERE with where it is tested instead. An entry that has
become needless fails too, so the list can only shrink without being noticed.
"""

import ast
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src/cloche"

# A module, or a pattern of modules, and the test files or folders below tests/ that run it.
ELSEWHERE: dict[str, tuple[str, ...]] = {
    "errors.py": ("test_errors.py",),
    # What runs inside a sandbox is tested as the process it is, on both sides of its sockets.
    "agent/commands.py": ("integration/agent",),
    "agent/guest_side.py": ("integration/agent",),
    "agent/lifecycle.py": ("integration/agent",),
    "agent/life.py": ("integration/agent/test_agent_restart.py",),
    "agent/link.py": ("integration/agent/test_agent_link.py",),
    "agent/machine/parts/api.py": ("integration/agent/test_agent_restart.py",),
    "agent/machine/parts/browser.py": ("integration/agent/test_agent_restart.py",),
    "agent/machine/parts/errand.py": ("integration/agent/test_agent_restart.py",),
    "agent/main.py": ("integration/agent",),
    "agent/streams.py": ("integration/agent/test_agent_guest_socket.py",),
    # Parts of one upload and one download, which mean nothing apart from the requests they serve.
    "agent/machine/archives/body.py": ("unit/agent/machine/archives/test_api.py",),
    "agent/machine/archives/members.py": ("unit/agent/machine/archives/test_tar_reader.py",),
    "agent/machine/archives/receiving.py": ("unit/agent/machine/archives/test_api.py",),
    "agent/machine/archives/staging.py": ("unit/agent/machine/archives/test_placing.py",),
    "agent/machine/archives/tree.py": ("unit/agent/machine/archives/test_tar_reader.py",),
    "agent/machine/archives/uploads.py": ("unit/agent/machine/archives/test_api.py",),
    "agent/machine/archives/zip_end.py": ("unit/agent/machine/archives/test_zip_reader.py",),
    # The journal: what it counts, its doors and their clients are tested with it.
    "audit/metrics.py": ("unit/audit/test_journal.py",),
    "client/audit_aio.py": ("integration/test_rest_audit.py",),
    "client/audit_sync.py": ("integration/test_cli_audit.py",),
    # The live view: its ends are a real browser's and a real viewer's.
    "client/live_aio.py": ("integration/test_live_clients.py",),
    "client/live_sync.py": ("integration/test_live_clients.py",),
    "daemon/live_parts.py": ("e2e/live/test_live_doors.py",),
    "daemon/recording_parts.py": ("e2e/live/test_recorded_sessions.py",),
    "daemon/live_settings.py": ("unit/daemon/test_settings.py",),
    "live/encoder/h264.py": ("unit/live/encoder/test_video.py",),
    "live/encoder/vp8.py": ("unit/live/encoder/test_video.py",),
    "live/encoder/channel.py": ("integration/test_encoder_child.py",),
    "live/encoder/main.py": ("integration/test_encoder_child.py",),
    "live/encoder/pictures_loop.py": ("integration/test_encoder_child.py",),
    "live/encoder/warm_up.py": ("integration/test_encoder_child.py",),
    "live/encoder/confinement.py": ("integration/test_encoder_walls.py",),
    # One relay, one worker and what they say: they mean nothing apart from all of them together.
    "data_plane/channel.py": ("unit/data_plane/test_workers.py",),
    "data_plane/client_socket.py": ("integration/test_door.py",),
    "data_plane/metrics.py": ("unit/data_plane/test_workers.py",),
    "data_plane/running.py": ("unit/egress/test_gateway.py", "integration/test_door.py"),
    "data_plane/wire.py": ("unit/data_plane/test_workers.py",),
    "data_plane/worker.py": ("unit/data_plane/test_workers.py",),
    "data_plane/worker_process.py": ("unit/data_plane/test_workers.py",),
    "daemon/data_plane_parts.py": ("e2e/test_data_workers.py",),
    "process/seccomp/install.py": ("integration/test_encoder_walls.py",),
    "live/encoder/recording_loop.py": ("integration/test_recording_child.py",),
    "live/encoder_child.py": ("integration/test_encoder_child.py",),
    "live/encoder_process.py": ("integration/test_encoder_child.py",),
    "live/mux_process.py": ("integration/test_recording_child.py",),
    "live/webrtc/agent.py": ("integration/test_webrtc_peer.py",),
    "live/webrtc/channel.py": ("integration/test_webrtc_peer.py",),
    "live/webrtc/metrics.py": ("integration/test_webrtc_peer.py",),
    "live/webrtc/peer.py": ("integration/test_webrtc_peer.py",),
    "live/webrtc/transports.py": ("integration/test_webrtc_peer.py",),
    "sessions/hibernation/use_cases.py": ("unit/sessions/hibernation/test_service.py", "e2e/test_standby.py"),
    "sessions/pool/figures.py": ("unit/sessions/pool/test_keeper.py",),
    "sessions/pool/warm.py": ("unit/sessions/pool/test_keeper.py",),
    "sessions/pool/model.py": ("unit/sessions/pool/test_named.py",),
    "sessions/live/driving.py": ("e2e/live/test_live_service.py",),
    "sessions/live/front.py": ("e2e/live/test_live_service.py",),
    "sessions/live/link.py": ("e2e/live/test_live_service.py",),
    "sessions/live/options.py": ("unit/sessions/live/test_service.py",),
    "sessions/live/page.py": ("e2e/live/test_live_service.py",),
    "sessions/live/screen.py": ("e2e/live/test_live_service.py",),
    "sessions/live/thumbnail.py": ("e2e/live/test_live_service.py",),
    "sessions/live/view.py": ("e2e/live/test_live_service.py",),
    "sessions/live/room.py": ("unit/sessions/live/test_service.py",),
    "daemon/audit_parts.py": ("unit/cli/test_audit.py",),
    "sessions/hibernation/lying.py": ("unit/sessions/hibernation/test_service.py",),
    "sessions/profiles/held.py": ("unit/sessions/profiles/test_side.py",),
    "sessions/audit.py": ("integration/test_rest_audit.py",),
    "sessions/audit_reader.py": ("integration/test_rest_audit.py",),
    # What bytes mean is tested with the files of the corpus, which pass through all of these.
    "artifacts/sniff/content.py": ("unit/artifacts/sniff/test_look.py",),
    "artifacts/sniff/documents.py": ("unit/artifacts/test_verdict.py",),
    "artifacts/sniff/foreign.py": ("unit/artifacts/test_verdict.py",),
    "artifacts/sniff/markup.py": ("unit/artifacts/test_verdict.py",),
    "artifacts/sniff/members.py": ("unit/artifacts/sniff/test_look.py",),
    "artifacts/sniff/packages.py": ("unit/artifacts/test_verdict.py",),
    "artifacts/sniff/programs.py": ("unit/artifacts/sniff/test_signatures.py",),
    "artifacts/sniff/streams.py": ("unit/artifacts/test_verdict.py",),
    "artifacts/sniff/zips.py": ("unit/artifacts/sniff/test_look.py",),
    # Doors are tested by knocking.
    "api/rest/*.py": ("integration",),
    "api/*.py": ("integration",),
    "api/auth/rows.py": ("unit/api/auth/test_keys.py",),
    "api/devtools_door/*.py": ("integration/test_door.py",),
    # Parts of the browser service that mean nothing without a browser, tested where it is driven.
    "browser/actions/devices.py": ("unit/browser/actions/test_pointer.py",),
    "browser/actions/choosers.py": ("unit/browser/test_effects.py", "unit/browser/actions/test_fields.py"),
    # Parts of the artifact store.
    "artifacts/adding.py": ("unit/artifacts/test_store.py",),
    "artifacts/intake.py": ("unit/artifacts/test_store.py",),
    "artifacts/reading.py": ("unit/artifacts/test_store.py",),
    "artifacts/shelf.py": ("unit/artifacts/test_store.py",),
    "artifacts/upkeep.py": ("unit/artifacts/test_store.py",),
    "daemon/keeping.py": ("e2e/profiles", "e2e/downloads"),
    "browser/call.py": ("unit/browser",),
    "browser/contexts.py": ("unit/browser/test_tabs.py",),
    "browser/contract/common.py": ("test_proto.py",),
    "browser/contract/use_cases.py": ("test_proto.py",),
    "browser/devtools/errors.py": ("unit/browser/devtools/test_connection.py",),
    "browser/devtools/session.py": ("unit/browser/devtools/test_connection.py",),
    "browser/frame.py": ("unit/browser/test_tab.py",),
    "browser/frame_tree.py": ("unit/browser/test_tab.py", "unit/browser/navigation/test_history.py"),
    "browser/key_table.py": ("unit/browser/test_keyboard.py",),
    "browser/main_thread.py": ("unit/browser/test_evaluate.py",),
    "browser/main_worlds.py": ("unit/browser/test_evaluate.py",),
    "browser/memory.py": ("unit/browser",),
    "browser/navigation/follow.py": ("unit/browser/navigation/test_navigate.py",),
    "browser/navigation/failures.py": ("unit/browser/navigation/test_navigate.py",),
    "browser/navigation/redirects.py": ("unit/browser/navigation/test_navigate.py",),
    "browser/observing/accessibility.py": ("unit/browser/test_observe.py",),
    "browser/observing/frames.py": ("unit/browser/test_observe.py",),
    "browser/opening.py": ("e2e/browsing",),
    "browser/page_script/load.py": ("unit/browser/page_script/test_selectors.py",),
    "browser/page_events.py": ("unit/browser/test_tab.py",),
    "browser/pictures/failure.py": ("unit/browser/pictures/test_screenshot.py",),
    "browser/pictures/pdf.py": ("unit/browser/pictures/test_screenshot.py",),
    "browser/redact/*.py": ("unit/browser/redact/test_text.py",),
    "browser/state/origin_page.py": ("unit/browser/state/test_storage_state.py",),
    "browser/state/origins.py": ("unit/browser/state/test_storage_state.py",),
    "browser/state/reset.py": ("unit/browser/state/test_storage_state.py",),
    "browser/titles.py": ("unit/browser/test_tabs.py",),
    # The command line is tested as a person types it.
    "cli/quickstart.py": ("e2e/test_quickstart.py",),
    "cli/machine.py": ("integration/test_cli_machine.py",),
    "cli/artifact.py": ("integration/test_cli_keeping.py",),
    "cli/profile.py": ("integration/test_cli_keeping.py",),
    "cli/pool.py": ("integration/test_pool_clients.py",),
    "cli/*.py": ("integration/test_cli.py",),
    # Verbs of the driver, which mean nothing apart from a kernel that keeps them.
    "sandbox/namespace/creation.py": ("contract/test_namespace_driver.py", "contract/test_namespace_faults.py"),
    "sandbox/namespace/starting.py": ("contract/test_namespace_driver.py", "contract/test_namespace_faults.py"),
    "sandbox/namespace/ending.py": ("contract/test_namespace_driver.py", "contract/test_namespace_limits.py"),
    "sandbox/namespace/recovery.py": ("contract/test_namespace_driver.py",),
    "sandbox/namespace/driver.py": ("contract/test_namespace_driver.py",),
    "sandbox/namespace/handle.py": ("contract/test_namespace_driver.py",),
    "sandbox/namespace/image_files.py": ("unit/sandbox/namespace/test_image.py",),
    "sandbox/namespace/python_files.py": ("unit/sandbox/namespace/test_image.py",),
    "process/cgroup_none.py": ("unit/process/test_cgroup.py", "contract/test_namespace_limits.py"),
    "egress/connection.py": ("unit/egress/test_gateway.py",),
    "client/aio.py": ("integration/test_rest_client.py",),
    "client/sync.py": ("integration/test_rest_client.py",),
    "client/browser_aio.py": ("integration/test_browser_client.py",),
    "client/browser_sync.py": ("integration/test_browser_client.py",),
    "client/browser_answers.py": ("integration/test_browser_client.py",),
    "client/keeping_aio.py": ("integration/test_keeping_clients.py",),
    "client/keeping_sync.py": ("integration/test_keeping_clients.py",),
    "client/pool_aio.py": ("integration/test_pool_clients.py",),
    "client/pool_sync.py": ("integration/test_pool_clients.py",),
    "client/machine_aio.py": ("integration/test_machine_clients.py",),
    "client/machine_sync.py": ("integration/test_machine_clients.py",),
    "client/machine_answers.py": ("integration/test_machine_clients.py", "unit/client/test_machine_calls.py"),
    "agent_link/outgoing.py": ("unit/agent_link/test_listen.py",),
    "sessions/creation.py": ("unit/sessions/test_manager.py", "unit/sessions/test_manager_database.py"),
    "sessions/watch.py": ("unit/sessions/test_runner_watch.py",),
    "sandbox/namespace/freezing.py": ("contract/test_namespace_driver.py",),
    "testing/cancelling.py": ("unit/testing/test_contract.py",),
    "sessions/under_way.py": ("unit/sessions/test_machine_api.py", "unit/sessions/test_agent_questions.py"),
    "sessions/investigation.py": ("unit/sessions/test_runner_watch.py",),
    "sessions/attachment.py": ("unit/sessions/test_runner_clients.py",),
    "daemon/doctor/check.py": ("unit/daemon/doctor/test_checks.py",),
    # Doubles and rigs of the tests: what stands on them tests them.
    "testing/*.py": ("unit", "contract", "integration", "e2e"),
    "testing/web/*.py": ("unit/testing/web/test_server.py",),
    "daemon/main.py": ("integration", "e2e"),
    "daemon/bootstrap.py": ("integration", "e2e"),
}

# Unit tests of what several modules of a folder make together.
THEMES = {"api/test_openapi.py"}


def modules_with_code() -> list[str]:
    """Paths below src/cloche of files that hold a function; declarations alone need no test."""
    return [
        path.relative_to(SRC).as_posix()
        for path in sorted(SRC.rglob("*.py"))
        if path.name != "__init__.py" and "versions" not in path.parts and holds_code(path)
    ]


def holds_code(path: Path) -> bool:
    """Whether a function in it does anything: a Protocol's or an abstract method's body is a docstring or `...`."""
    functions = (
        n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return any(not isinstance(line, ast.Expr | ast.Pass) for function in functions for line in function.body)


def has_own_test(module: str) -> bool:
    """test_b.py, or test_a_b.py where the folder's name makes it plainer, or files by theme: test_b_limits.py."""
    path = Path(module)
    folder = ROOT / "tests/unit" / path.parent
    names = (f"test_{path.name}", f"test_{path.parent.name}_{path.name}")
    return any((folder / name).is_file() for name in names) or any(folder.glob(f"test_{path.stem}_*.py"))


def excuses(module: str) -> list[str]:
    return [pattern for pattern in ELSEWHERE if fnmatchcase(module, pattern)]


def test_every_module_has_its_test_file_or_says_where_it_is_tested() -> None:
    missing = [module for module in modules_with_code() if not has_own_test(module) and not excuses(module)]
    assert not missing, "no tests/unit file:\n" + "\n".join(f'    "{module}": ("…",),' for module in missing)


def test_no_entry_is_needless() -> None:
    untested = {module for module in modules_with_code() if not has_own_test(module)}
    needless = [pattern for pattern in ELSEWHERE if not any(fnmatchcase(module, pattern) for module in untested)]
    assert not needless


def test_what_is_said_to_be_tested_elsewhere_is() -> None:
    gone = {place for places in ELSEWHERE.values() for place in places if not (ROOT / "tests" / place).exists()}
    assert not gone


def test_every_unit_test_file_has_its_module() -> None:
    strays = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "tests/unit").rglob("test_*.py"))
        if path.relative_to(ROOT / "tests/unit").as_posix() not in THEMES and not is_named_for_a_module(path)
    ]
    assert not strays


def is_named_for_a_module(path: Path) -> bool:
    """Whether the file is named for a module, or for a theme of one: test_gateway_limits.py beside gateway.py."""
    folder = SRC / path.relative_to(ROOT / "tests/unit").parent
    stem = path.stem.removeprefix("test_").removeprefix(f"{folder.name}_")
    return any(
        stem == module.stem or stem.startswith(f"{module.stem}_")
        for module in (*folder.glob("*.py"), *folder.glob("*.js"))
    )
