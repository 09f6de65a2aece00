"""Looking at a page: snapshot, text, pictures, print. Pure."""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval, MaxLen

from cloche.browser.contract.common import STRICT, BrowserResponse, ByteCount, Pixels, Selector, TabRequest

ImageFormat = Literal["", "png", "jpeg", "webp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """CSS pixels of the page's viewport; in `clip`, of the whole page."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    x: Pixels = 0.0
    y: Pixels = 0.0
    width: Pixels = 0.0
    height: Pixels = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveRequest(TabRequest):
    """A snapshot for an agent. With no `include_…` set, the accessibility tree."""

    include_dom_snapshot: bool = False
    include_accessibility_tree: bool = False
    include_visible_text: bool = False
    max_dom_snapshot_bytes: ByteCount = 0
    max_accessibility_tree_bytes: ByteCount = 0
    max_visible_text_bytes: ByteCount = 0
    max_bytes: ByteCount = 0
    """Of the accessibility tree; as `max_accessibility_tree_bytes`, which it overrides."""
    cursor: Annotated[str, MaxLen(128)] = ""
    """`next_cursor` of an earlier answer: its next page, from the same snapshot."""
    root: Selector = ""
    """Only what is below this element."""
    interactive_only: bool = False
    search: Annotated[str, MaxLen(1024)] = ""
    """Only lines with this text (upper and lower case alike), and what they are in."""
    diff_from: Annotated[str, MaxLen(128)] = ""
    """A `snapshot_id`: answer what has changed since, as a unified diff."""
    bounding_boxes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveResponse(BrowserResponse):
    """Everything of the page stands between two lines that begin with `fence`, which the page cannot know."""

    accessibility_tree: str = ""
    dom_snapshot: str = ""
    visible_text: str = ""
    accessibility_tree_truncated: bool = False
    dom_truncated: bool = False
    visible_text_truncated: bool = False
    page_url: str = ""
    title: str = ""
    snapshot_id: str = ""
    next_cursor: str = ""
    fence: str = ""
    is_diff: bool = False
    element_count: int = 0
    """Lines of the whole snapshot."""
    matched_count: int = 0
    """With `search`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutMetrics:
    """CSS pixels, but for `device_scale_factor`."""

    viewport_width: float = 0.0
    viewport_height: float = 0.0
    device_scale_factor: float = 1.0
    document_scroll_width: float = 0.0
    document_scroll_height: float = 0.0
    document_client_width: float = 0.0
    document_client_height: float = 0.0
    horizontal_overflow: bool = False
    vertical_overflow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenshotRequest(TabRequest):
    max_bytes: ByteCount = 0
    """A picture that is larger is made smaller as JPEG or WebP; PNG fails with `output_too_large`."""
    format: ImageFormat = ""
    quality: Annotated[int, Interval(ge=0, le=100)] = 0
    """Of JPEG and WebP; 0: 80."""
    full_page: bool = False
    selector: Selector = ""
    """Only this element."""
    clip: Box | None = None
    scale: Annotated[float, Interval(ge=0.0, le=8.0)] = 0.0
    """Pixels per CSS pixel of the picture; 0: as the viewport."""
    mask: Annotated[list[Selector], MaxLen(32)] = field(default_factory=list)
    """Elements painted over."""
    omit_background: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenshotResponse(BrowserResponse):
    image_bytes: bytes = b""
    mime_type: str = ""
    width: int = 0
    height: int = 0
    """Pixels of the picture."""
    layout_metrics: LayoutMetrics = field(default_factory=LayoutMetrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPdfRequest(TabRequest):
    """Inches, as CDP's Page.printToPDF."""

    max_bytes: ByteCount = 0
    landscape: bool = False
    print_background: bool = False
    scale: Annotated[float, Interval(ge=0.0, le=2.0)] = 0.0
    paper_width: Annotated[float, Interval(ge=0.0, le=200.0)] = 0.0
    paper_height: Annotated[float, Interval(ge=0.0, le=200.0)] = 0.0
    margin_top: Annotated[float, Interval(ge=0.0, le=100.0)] | None = None
    margin_bottom: Annotated[float, Interval(ge=0.0, le=100.0)] | None = None
    margin_left: Annotated[float, Interval(ge=0.0, le=100.0)] | None = None
    margin_right: Annotated[float, Interval(ge=0.0, le=100.0)] | None = None
    page_ranges: Annotated[str, MaxLen(256)] = ""
    prefer_css_page_size: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPdfResponse(BrowserResponse):
    pdf_bytes: bytes = b""
    mime_type: str = ""
    size_bytes: int = 0
    sha256: str = ""
    artifact_id: str = ""
    """As what it is kept. Empty where there is no room for it any more, or nothing is kept of the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTitleRequest(TabRequest):
    max_title_bytes: ByteCount = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTitleResponse(BrowserResponse):
    title: str = ""
    page_url: str = ""
