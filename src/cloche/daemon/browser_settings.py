"""Budgets of the browser service, as settings: what a session gets, and the most that it can ask for."""

from typing import Final, Literal

from pydantic import Field
from pydantic_settings import BaseSettings

KIB: Final = 1 << 10
MIB: Final = 1 << 20
MAX_TIMEOUT_MS: Final = 600_000
"""No request may ask for more."""


class BrowserSettings(BaseSettings):
    """Base of `daemon.settings.Settings`. Each is the `Budget` field of its name, but for `file_input_bytes`."""

    navigation_timeout_ms: int = Field(default=15_000, ge=1, le=MAX_TIMEOUT_MS)
    max_navigation_timeout_ms: int = Field(default=300_000, ge=1, le=MAX_TIMEOUT_MS)
    action_timeout_ms: int = Field(default=5_000, ge=1, le=MAX_TIMEOUT_MS)
    max_action_timeout_ms: int = Field(default=120_000, ge=1, le=MAX_TIMEOUT_MS)
    actions: int = Field(default=10_000, ge=1)
    max_actions: int = Field(default=1_000_000, ge=1)
    actions_per_window: int = Field(default=100, ge=1, le=100_000)
    max_actions_per_window: int = Field(default=1_000, ge=1, le=100_000)
    action_window_ms: int = Field(default=1_000, ge=1)
    min_action_window_ms: int = Field(default=1_000, ge=1)
    """A shorter window lets more through, so this one has a floor as well."""
    max_action_window_ms: int = Field(default=3_600_000, ge=1)
    type_bytes: int = Field(default=64 * KIB, ge=1)
    max_type_bytes: int = Field(default=256 * KIB, ge=1)
    file_input_bytes: int = Field(default=8 * MIB, ge=1)
    """The budget's `upload_bytes`; `max_upload_bytes` has long been that of uploads into the sandbox."""
    max_file_input_bytes: int = Field(default=64 * MIB, ge=1)
    response_bytes: int = Field(default=32 * MIB, ge=1)
    max_response_bytes: int = Field(default=256 * MIB, ge=1)
    screenshot_bytes: int = Field(default=8 * MIB, ge=1)
    max_screenshot_bytes: int = Field(default=64 * MIB, ge=1)
    pdf_bytes: int = Field(default=32 * MIB, ge=1)
    max_pdf_bytes: int = Field(default=128 * MIB, ge=1)
    title_bytes: int = Field(default=4 * KIB, ge=1)
    max_title_bytes: int = Field(default=64 * KIB, ge=1)
    snapshot_bytes: int = Field(default=64 * KIB, ge=1)
    max_snapshot_bytes: int = Field(default=4 * MIB, ge=1)
    text_bytes: int = Field(default=16 * KIB, ge=1)
    max_text_bytes: int = Field(default=4 * MIB, ge=1)
    action_log_entries: int = Field(default=256, ge=1)
    max_action_log_entries: int = Field(default=4_096, ge=1)
    network_log_entries: int = Field(default=256, ge=1)
    max_network_log_entries: int = Field(default=4_096, ge=1)
    network_log_bytes: int = Field(default=64 * KIB, ge=1)
    max_network_log_bytes: int = Field(default=4 * MIB, ge=1)
    tabs: int = Field(default=32, ge=1)
    max_tabs: int = Field(default=128, ge=1)
    artifact_bytes: int = Field(default=8 * MIB, ge=1)
    max_artifact_bytes: int = Field(default=256 * MIB, ge=1)
    artifacts_bytes: int = Field(default=32 * MIB, ge=1)
    max_artifacts_bytes: int = Field(default=1024 * MIB, ge=1)
    artifacts: int = Field(default=128, ge=1)
    max_artifacts: int = Field(default=1_024, ge=1)
    on_exhausted: Literal["refuse", "end"] = "refuse"
    """What a session asks for by itself; it may ask for the other."""
