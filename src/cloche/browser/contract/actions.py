"""Acting on a page as a person would: with a pointer, keys and files. Pure."""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval, MaxLen

from cloche.browser.contract.common import (
    STRICT,
    ActionRequest,
    ActionResponse,
    BrowserResponse,
    ElementRequest,
    Pixels,
    Selector,
    ShortText,
    TabRequest,
    Text,
)

Button = Literal["", "left", "middle", "right", "back", "forward"]
Modifier = Literal["Alt", "Control", "Meta", "Shift"]
ArtifactRef = Annotated[str, MaxLen(64)]
"""The id of an artifact."""
ModifierList = Annotated[list[Modifier], MaxLen(4)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogInfo:
    """A JavaScript dialog."""

    type: str = ""
    """alert, confirm, prompt or beforeunload."""
    message: str = ""
    """The page's own words."""
    default_prompt: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadInfo:
    """A download that began; redacted URL."""

    url: str = ""
    suggested_filename: str = ""
    guid: str = ""
    """Chromium's name for it, as in CDP Browser.downloadProgress."""
    artifact_id: str = ""
    """What it has become, where that was there in time for the answer; an event of the session tells of it anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What an action caused, as far as it showed before the answer."""

    navigated: bool = False
    navigated_url: str = ""
    new_tab_ids: list[str] = field(default_factory=list)
    downloads: list[DownloadInfo] = field(default_factory=list)
    dialog: DialogInfo | None = None
    file_chooser: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementActionResponse(ActionResponse):
    matches: int = 0
    """How many elements the selector fitted."""
    effects: Effects = field(default_factory=Effects)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickRequest(ElementRequest):
    """Without a selector, `position_x` and `position_y` are coordinates of the viewport."""

    button: Button = ""
    click_count: Annotated[int, Interval(ge=0, le=3)] = 0
    """0 and 1: once."""
    modifiers: ModifierList = field(default_factory=list)
    position_x: Pixels | None = None
    """From the left edge of the element's box; None: its centre."""
    position_y: Pixels | None = None
    force: bool = False
    """Do not wait for the element to be visible, stable, enabled and uncovered."""
    max_retries: Annotated[int, Interval(ge=0, le=16)] = 0
    """Accepted; an action is tried until its deadline."""
    delay_ms: Annotated[int, Interval(ge=0, le=10_000)] = 0
    """Between pressing and releasing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickResponse(ElementActionResponse):
    x: float = 0.0
    y: float = 0.0
    """Where it was clicked, in CSS pixels of the viewport."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoverRequest(ElementRequest):
    modifiers: ModifierList = field(default_factory=list)
    position_x: Pixels | None = None
    position_y: Pixels | None = None
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HoverResponse(ElementActionResponse):
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DragRequest(ElementRequest):
    """From the element of `selector`, or from `position_…` of the viewport, to the target's."""

    target_selector: Selector = ""
    position_x: Pixels | None = None
    position_y: Pixels | None = None
    target_x: Pixels | None = None
    target_y: Pixels | None = None
    steps: Annotated[int, Interval(ge=0, le=100)] = 0
    """Pointer moves on the way; 0: 8."""
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DragResponse(ElementActionResponse):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRequest(ElementRequest):
    """Type with real key events; without a selector, into what has the focus."""

    text: Text = ""
    clear_existing: bool = False
    delay_ms: Annotated[int, Interval(ge=0, le=1000)] = 0
    """Between keys."""
    submit: bool = False
    """Press Enter at the end."""
    fill: bool = False
    """Set the value at once, as a paste does, instead of key by key; replaces what was there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeResponse(ElementActionResponse):
    typed_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PressRequest(ElementRequest):
    """With a selector, focuses it first."""

    key: ShortText = ""
    """A chord: `Enter`, `Control+Shift+K`, `Ctrl+a`, `ArrowLeft`, `ß`."""
    delay_ms: Annotated[int, Interval(ge=0, le=10_000)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PressResponse(ElementActionResponse):
    key: str = ""
    """As it was understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectRequest(ElementRequest):
    """Choose options of a `<select>` by value, label or index; the first that is given counts."""

    value: Annotated[str, MaxLen(4096)] = ""
    values: Annotated[list[Annotated[str, MaxLen(4096)]], MaxLen(256)] = field(default_factory=list)
    label: Annotated[str, MaxLen(4096)] = ""
    index: Annotated[int, Interval(ge=0, le=100_000)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectResponse(ElementActionResponse):
    selected_value: str = ""
    selected_values: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFile:
    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    file_name: Annotated[str, MaxLen(255)] = ""
    file_bytes: bytes = b""
    artifact_id: ArtifactRef = ""
    """In place of bytes: a file that the server keeps for the session's owner, ready or released. It has its own name
    and type unless others are given."""
    mime_type: Annotated[str, MaxLen(255)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFileInputRequest(ElementRequest):
    """Give files to an `<input type=file>`, or to what opens a file chooser when it is clicked."""

    file_name: Annotated[str, MaxLen(255)] = ""
    file_bytes: bytes = b""
    artifact_id: ArtifactRef = ""
    """See `UploadFile`."""
    files: Annotated[list[UploadFile], MaxLen(16)] = field(default_factory=list)
    """Several, instead of the one above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFileInputResponse(ElementActionResponse):
    uploaded_file_name: str = ""
    uploaded_file_bytes: int = 0
    uploaded_files: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrollRequest(ElementRequest):
    """With a selector and no delta, bring the element into view; with both, scroll that element."""

    delta_x: Pixels = 0.0
    delta_y: Pixels = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrollResponse(ElementActionResponse):
    scroll_x: float = 0.0
    scroll_y: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitForRequest(ElementRequest):
    """Until the element is in the wanted state, or the text is to be seen; what comes first."""

    text: Annotated[str, MaxLen(4096)] = ""
    state: Literal["", "attached", "visible", "hidden", "detached"] = ""
    """Of the element; empty: visible."""
    url: Annotated[str, MaxLen(4096)] = ""
    """Until the page's address contains this."""
    load_state: Literal["", "domcontentloaded", "load", "networkidle"] = ""
    poll_interval_ms: Annotated[int, Interval(ge=0, le=1000)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitForResponse(ActionResponse):
    waited_ms: int = 0
    matched_selector: str = ""
    matched_text: str = ""
    matched_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HighlightRequest(ElementRequest):
    duration_ms: Annotated[int, Interval(ge=0, le=10_000)] = 0
    """0: 2000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HighlightResponse(ActionResponse):
    selector: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogRequest(TabRequest):
    """Answer the dialog that is open."""

    accept: bool = False
    prompt_text: Annotated[str, MaxLen(4096)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogResponse(ActionResponse):
    dialog: DialogInfo = field(default_factory=DialogInfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateRequest(ActionRequest):
    expression: Annotated[str, MaxLen(1 << 20)] = ""
    await_promise: bool = True
    frame_selector: Selector = ""
    """Of an iframe, in whose document it runs; empty: the page's own."""
    isolated: bool = False
    """In a world of its own, where the page's scripts have changed nothing."""
    max_bytes: Annotated[int, Interval(ge=0, le=16 << 20)] = 0
    """Of the result; 0: 1 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateResponse(ActionResponse):
    value_json: str = ""
    """The result as JSON; `undefined` and functions are null. Page content: see `docs/reference/browser-service.md`."""
    type: str = ""
    """As JavaScript's typeof, `null` and `array` told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureSelectionRequest(TabRequest):
    selector: Selector = ""
    max_selection_bytes: Annotated[int, Interval(ge=0, le=32 << 10)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureSelectionResponse(BrowserResponse):
    selector: str = ""
    selected_text: str = ""
    truncated: bool = False
