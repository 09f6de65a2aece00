"""What each operation of the browser service is for, and one call of it, for the API's reference page."""

from dataclasses import dataclass, field
from typing import Any, Final

from cloche.api.relay import RelayActionResponse
from cloche.browser.contract import actions, logs, looking, pages, state, tabs
from cloche.browser.contract.common import ActionLogEntry, BrowserResponse, Usage

NOW_MS: Final = 1_767_225_600_000
PAGE: Final = "https://shop.example/cart"
TAB: Final = "tab-1"
PNG: Final = bytes.fromhex("89504e470d0a1a0a")
USAGE: Final = Usage(
    actions=12, actions_left=988, window_actions_left=118, tabs=1, tabs_left=31, lifetime_left_ms=3_512_000
)


@dataclass(frozen=True, slots=True)
class Example:
    """`request` as a body or a query."""

    about: str
    response: BrowserResponse | RelayActionResponse
    request: dict[str, Any] = field(default_factory=dict)


def _log(name: str, selector: str = "") -> ActionLogEntry:
    return ActionLogEntry(
        action_id="act-12",
        action_name=name,
        selector=selector,
        success=True,
        outcome="ok",
        started_at_unix_ms=NOW_MS,
        completed_at_unix_ms=NOW_MS + 38,
        attempts=1,
        page_url=PAGE,
        tab_id=TAB,
        principal="alice",
    )


def _page(name: str) -> pages.NavigateResponse:
    return pages.NavigateResponse(
        usage=USAGE,
        action_log=_log(name),
        final_url=PAGE,
        status_code=200,
        title="Your cart",
        body_bytes=18_204,
        latency_ms=212,
        timing=pages.NavigationTiming(response_ms=81, commit_ms=92, dom_content_loaded_ms=160, load_ms=212),
        reached="load",
    )


BUY: Final = 'role=button[name="Buy"]'
EMAIL: Final = "#email"
HERE: Final = tabs.BrowserTab(tab_id=TAB, url=PAGE, title="Your cart", active=True)
COOKIE: Final = state.Cookie(name="theme", value="dark", domain="shop.example", secure=True)
KEPT: Final = state.StorageState(
    cookies=[state.StoredCookie(name="theme", value="dark", domain="shop.example", secure=True)],
    origins=[
        state.OriginState(origin="https://shop.example", localStorage=[state.NameValue(name="theme", value="dark")])
    ],
)
COOKIE_IN: Final = {"name": "theme", "value": "dark", "domain": "shop.example", "path": "/", "secure": True}
KEPT_IN: Final = {
    "cookies": [COOKIE_IN],
    "origins": [{"origin": "https://shop.example", "localStorage": [{"name": "theme", "value": "dark"}]}],
}
LOADED: Final = logs.NetworkLogEntry(
    request_id="1000.1",
    request_url=PAGE,
    method="GET",
    resource_type="document",
    status_code=200,
    mime_type="text/html",
    protocol="h2",
    request_bytes=412,
    response_bytes=18_204,
    timing_bucket="100_500ms",
    latency_ms=212,
    captured_at_unix_ms=NOW_MS,
    initiator_type="other",
    tab_id=TAB,
)
SAID: Final = logs.ConsoleLogEntry(
    severity="error",
    kind="exception",
    message="TypeError: total is undefined",
    source="https://shop.example/cart.js",
    line=14,
    column=7,
    page_url=PAGE,
    tab_id=TAB,
    captured_at_unix_ms=NOW_MS,
)
TREE: Final = """--- page 4f1c9a ---
- heading "Your cart" [level=1] [ref=e2]
- button "Buy" [ref=e7]
--- page 4f1c9a ---"""

EXAMPLES: Final[dict[str, Example]] = {
    "navigate": Example(
        "Go to a URL: one navigation of the browser, over the gateway's policy at every hop.",
        _page("navigate"),
        {"url": PAGE, "wait_until": "load"},
    ),
    "back": Example("Go back in the tab's history.", _page("back"), {"wait_until": "load"}),
    "forward": Example("Go forward in the tab's history.", _page("forward")),
    "reload": Example("Load the page again.", _page("reload"), {"ignore_cache": True}),
    "click": Example(
        "Click an element, once it is visible, stable, enabled and not covered; or a point of the viewport.",
        actions.ClickResponse(
            usage=USAGE,
            action_log=_log("click", BUY),
            matches=1,
            effects=actions.Effects(navigated=True, navigated_url="https://shop.example/checkout"),
            x=612.0,
            y=340.5,
        ),
        {"selector": BUY},
    ),
    "hover": Example(
        "Move the pointer over an element.",
        actions.HoverResponse(usage=USAGE, action_log=_log("hover", "text=Account"), matches=1, x=1180.0, y=32.0),
        {"selector": "text=Account"},
    ),
    "drag": Example(
        "Drag an element, or a point of the viewport, to another.",
        actions.DragResponse(usage=USAGE, action_log=_log("drag", "#card-1"), matches=1),
        {"selector": "#card-1", "target_selector": "#done"},
    ),
    "type": Example(
        "Type text with real key events, into an element or into what has the focus.",
        actions.TypeResponse(usage=USAGE, action_log=_log("type", EMAIL), matches=1, typed_bytes=17),
        {"selector": EMAIL, "text": "alice@example.com", "clear_existing": True},
    ),
    "press": Example(
        "Press a key or a chord.",
        actions.PressResponse(usage=USAGE, action_log=_log("press"), key="Control+a"),
        {"key": "Control+a"},
    ),
    "select": Example(
        "Choose options of a `<select>`.",
        actions.SelectResponse(
            usage=USAGE, action_log=_log("select", "#size"), matches=1, selected_value="m", selected_values=["m"]
        ),
        {"selector": "#size", "label": "Medium"},
    ),
    "set_file_input": Example(
        "Give files to a file input, or to what opens a file chooser. The body may have 16 MiB.",
        actions.SetFileInputResponse(
            usage=USAGE,
            action_log=_log("set_file_input", "#photo"),
            matches=1,
            uploaded_file_name="a.txt",
            uploaded_file_bytes=5,
            uploaded_files=1,
        ),
        {"selector": "#photo", "file_name": "a.txt", "file_bytes": "aGVsbG8="},
    ),
    "scroll": Example(
        "Scroll the page or an element, or bring an element into view.",
        actions.ScrollResponse(usage=USAGE, action_log=_log("scroll"), scroll_y=600.0),
        {"delta_y": 600},
    ),
    "wait_for": Example(
        "Wait for an element, a text, an address or a load state.",
        actions.WaitForResponse(
            usage=USAGE, action_log=_log("wait_for", "#total"), waited_ms=180, matched_selector="#total"
        ),
        {"selector": "#total", "state": "visible", "timeout_ms": 3000},
    ),
    "highlight": Example(
        "Draw a frame around an element, for whoever watches.",
        actions.HighlightResponse(usage=USAGE, action_log=_log("highlight", BUY), selector=BUY),
        {"selector": BUY, "duration_ms": 1500},
    ),
    "dialog": Example(
        "Answer the JavaScript dialog that is open.",
        actions.DialogResponse(
            usage=USAGE,
            action_log=_log("dialog"),
            dialog=actions.DialogInfo(type="confirm", message="Empty the cart?", url=PAGE),
        ),
        {"accept": True},
    ),
    "evaluate": Example(
        "Run JavaScript in the page. The body may have 16 MiB.",
        actions.EvaluateResponse(usage=USAGE, action_log=_log("evaluate"), value_json="3", type="number"),
        {"expression": "document.forms.length"},
    ),
    "capture_selection": Example(
        "Read the text that is selected in the page, or that of an element.",
        actions.CaptureSelectionResponse(usage=USAGE, selector="#total", selected_text="42.00 EUR"),
        {"selector": "#total"},
    ),
    "set_viewport": Example(
        "Set the size of the tab's viewport.",
        state.SetViewportResponse(
            usage=USAGE,
            action_log=_log("set_viewport"),
            width=390,
            height=844,
            device_scale_factor=3.0,
            mobile=True,
        ),
        {"width": 390, "height": 844, "device_scale_factor": 3.0, "mobile": True},
    ),
    "observe": Example(
        "Look at the page: its accessibility tree with refs to act on, its DOM, its visible text, or what has changed.",
        looking.ObserveResponse(
            usage=USAGE,
            accessibility_tree=TREE,
            page_url=PAGE,
            title="Your cart",
            snapshot_id="snap-3",
            fence="--- page 4f1c9a ---",
            element_count=2,
        ),
        {"interactive_only": True, "max_bytes": 20_000},
    ),
    "screenshot": Example(
        "Take a picture of the viewport, the whole page, an element or a part. As bytes with `Accept: image/*`.",
        looking.ScreenshotResponse(usage=USAGE, image_bytes=PNG, mime_type="image/png", width=1280, height=800),
        {"format": "png", "full_page": True},
    ),
    "export_pdf": Example(
        "Print the page as PDF. As bytes with `Accept: application/pdf`.",
        looking.ExportPdfResponse(
            usage=USAGE,
            pdf_bytes=b"%PDF-1.4",
            mime_type="application/pdf",
            size_bytes=8,
            sha256="3b8c2f3c1d3ac4f4b46a1a1b3fa1bb6d0bbd7e8ea8c6d9cf3a9cbbdb5d2c6f11",
        ),
        {"print_background": True},
    ),
    "get_title": Example(
        "Read the page's title and address.",
        looking.GetTitleResponse(usage=USAGE, title="Your cart", page_url=PAGE),
    ),
    "network_log": Example(
        "Read what went over the network, redacted, oldest first.",
        logs.NetworkLogResponse(usage=USAGE, entries=[LOADED], next_after=17),
        {"limit": 50, "failed_only": False},
    ),
    "console_log": Example(
        "Read what was printed to the console, redacted, oldest first.",
        logs.ConsoleLogResponse(usage=USAGE, entries=[SAID], next_after=4),
        {"minimum_severity": "warning"},
    ),
    "action_log": Example(
        "Read what was done in this session, redacted, oldest first.",
        logs.ActionLogResponse(usage=USAGE, entries=[_log("click", BUY)]),
        {"limit": 20},
    ),
    "list_tabs": Example("List the tabs.", tabs.ListTabsResponse(usage=USAGE, tabs=[HERE], active_tab_id=TAB)),
    "open_tab": Example(
        "Open a tab, and go to a URL in it.",
        tabs.OpenTabResponse(usage=USAGE, tab=HERE, navigated=True, status_code=200),
        {"url": PAGE},
    ),
    "switch_tab": Example(
        "Make a tab the active one, in Chromium too.",
        tabs.SwitchTabResponse(usage=USAGE, active_tab=HERE),
        {"tab_id": TAB},
    ),
    "close_tab": Example(
        "Close a tab; the last one stays.",
        tabs.CloseTabResponse(usage=USAGE, closed_tab_id="tab-2", active_tab=HERE, tabs_remaining=1),
        {"tab_id": "tab-2"},
    ),
    "get_permissions": Example(
        "Read what pages may use.", state.GetPermissionsResponse(usage=USAGE, permissions=state.Permissions())
    ),
    "set_permissions": Example(
        "Set what pages may use, in Chromium too.",
        state.SetPermissionsResponse(usage=USAGE, permissions=state.Permissions(location="allow")),
        {"location": "allow"},
    ),
    "reset_state": Example(
        "Forget cookies and storage, and tabs or permissions if asked to.",
        state.ResetStateResponse(usage=USAGE, cookies_cleared=3, storage_entries_cleared=1),
        {"clear_cookies": True, "clear_storage": True},
    ),
    "get_cookies": Example(
        "Read cookies, values and all.",
        state.GetCookiesResponse(usage=USAGE, cookies=[COOKIE]),
        {"urls": ["https://shop.example/"]},
    ),
    "set_cookies": Example(
        "Set cookies. The body may have 16 MiB.",
        state.SetCookiesResponse(usage=USAGE, cookies_set=1),
        {"cookies": [COOKIE_IN]},
    ),
    "clear_cookies": Example(
        "Forget the cookies that fit; with nothing given, all.",
        state.ClearCookiesResponse(usage=USAGE, cookies_cleared=2),
        {"domain": "shop.example"},
    ),
    "get_storage_state": Example(
        "Read cookies and localStorage in the format of Playwright's `storage_state`.",
        state.GetStorageStateResponse(usage=USAGE, storage_state=KEPT),
        {"origins": ["https://shop.example"]},
    ),
    "set_storage_state": Example(
        "Set cookies and localStorage from Playwright's `storage_state`. The body may have 16 MiB.",
        state.SetStorageStateResponse(usage=USAGE, cookies_set=1, origins_set=1),
        {"storage_state": KEPT_IN, "clear_first": True},
    ),
    "inspect_session": Example(
        "Read a redacted bundle for finding out what went wrong.",
        state.InspectSessionResponse(
            usage=USAGE,
            session_id="ses_01K7ZQ0V8Y3N5T6R2M4D9WXABC",
            tabs=[HERE],
            action_log=[_log("click", BUY)],
            network_log=[LOADED],
            page_url=PAGE,
            console_log=[SAID],
        ),
        {"include_action_log": True, "include_network_log": True},
    ),
    "relay": Example(
        "Do what a browser extension asks: open a tab, read the selection, or look at the page.",
        RelayActionResponse(action="open_tab", usage=USAGE, opened_tab=HERE),
        {"extension_id": "aeblfdkhhhdcdjpifhhbdiojplfjncoa", "action": "open_tab", "open_tab": {"url": PAGE}},
    ),
}
