"""A session's browser, asynchronously: `client.sessions.browser(session_id)`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from cloche.client import browser_calls as calls
from cloche.client.browser_answers import (
    ActionLog,
    BrowserAnswer,
    ConsoleLog,
    Cookies,
    CookiesCleared,
    CookiesSet,
    DialogAnswered,
    ElementAnswer,
    Evaluated,
    FilesGiven,
    Highlighted,
    Inspection,
    Navigated,
    NetworkLog,
    Observed,
    Pdf,
    Permissions,
    Pointed,
    Pressed,
    Screenshot,
    Scrolled,
    Selected,
    SelectionCaptured,
    StateReset,
    StorageState,
    StorageStateSet,
    TabClosed,
    TabOpened,
    Tabs,
    TabSwitched,
    Title,
    Typed,
    ViewportSet,
    Waited,
)
from cloche.client.browser_calls import UseCase, checked

if TYPE_CHECKING:
    from cloche.client.aio import Client

A = TypeVar("A", bound=BrowserAnswer)


class Browser:
    """One session's browser. `options` are the other fields of the request: docs/reference/browser-service.md.

    What fails raises ActionFailedError with its code; with `check=False` it is returned. Errors of the session are
    those of the client.
    """

    def __init__(self, client: "Client", session_id: str) -> None:
        self._client = client
        self._id = session_id

    async def navigate(self, url: str, *, wait_until: str = "", check: bool = True, **options: Any) -> Navigated:
        """Go to a URL. `wait_until`: commit, domcontentloaded, load (the default) or networkidle."""
        return await self._do(calls.NAVIGATE, check, options, url=url, wait_until=wait_until)

    async def back(self, *, check: bool = True, **options: Any) -> Navigated:
        """Go back in the tab's history."""
        return await self._do(calls.BACK, check, options)

    async def forward(self, *, check: bool = True, **options: Any) -> Navigated:
        return await self._do(calls.FORWARD, check, options)

    async def reload(self, *, ignore_cache: bool = False, check: bool = True, **options: Any) -> Navigated:
        return await self._do(calls.RELOAD, check, options, ignore_cache=ignore_cache)

    async def click(
        self, selector: str = "", *, button: str = "", click_count: int = 1, check: bool = True, **options: Any
    ) -> Pointed:
        """Click an element, or with `position_x` and `position_y` and no selector a point of the viewport."""
        return await self._do(calls.CLICK, check, options, selector=selector, button=button, click_count=click_count)

    async def hover(self, selector: str = "", *, check: bool = True, **options: Any) -> Pointed:
        return await self._do(calls.HOVER, check, options, selector=selector)

    async def drag(
        self, selector: str = "", target_selector: str = "", *, check: bool = True, **options: Any
    ) -> ElementAnswer:
        """Drag an element to another; `position_…` and `target_…` are points of the viewport instead."""
        return await self._do(calls.DRAG, check, options, selector=selector, target_selector=target_selector)

    async def type(
        self,
        selector: str,
        text: str,
        *,
        clear_existing: bool = False,
        submit: bool = False,
        check: bool = True,
        **options: Any,
    ) -> Typed:
        """Type with real key events; with an empty selector into what has the focus."""
        return await self._do(
            calls.TYPE, check, options, selector=selector, text=text, clear_existing=clear_existing, submit=submit
        )

    async def press(self, key: str, *, selector: str = "", check: bool = True, **options: Any) -> Pressed:
        """Press a key or a chord: `Enter`, `Control+a`."""
        return await self._do(calls.PRESS, check, options, key=key, selector=selector)

    async def select(
        self,
        selector: str,
        *,
        value: str = "",
        label: str = "",
        index: int | None = None,
        check: bool = True,
        **options: Any,
    ) -> Selected:
        """Choose an option of a `<select>`; `values` chooses several."""
        return await self._do(calls.SELECT, check, options, selector=selector, value=value, label=label, index=index)

    async def set_file_input(
        self, selector: str, *, file_name: str = "", file_bytes: bytes = b"", check: bool = True, **options: Any
    ) -> FilesGiven:
        """Give a file to a file input: bytes, or an `artifact_id`. `files` gives several, each with these fields."""
        return await self._do(
            calls.SET_FILE_INPUT, check, options, selector=selector, file_name=file_name, file_bytes=file_bytes
        )

    async def scroll(
        self, *, selector: str = "", delta_x: float = 0.0, delta_y: float = 0.0, check: bool = True, **options: Any
    ) -> Scrolled:
        return await self._do(calls.SCROLL, check, options, selector=selector, delta_x=delta_x, delta_y=delta_y)

    async def wait_for(
        self,
        selector: str = "",
        *,
        text: str = "",
        state: str = "",
        url: str = "",
        load_state: str = "",
        check: bool = True,
        **options: Any,
    ) -> Waited:
        """Wait for an element, a text, an address or a load state; what comes first."""
        return await self._do(
            calls.WAIT_FOR, check, options, selector=selector, text=text, state=state, url=url, load_state=load_state
        )

    async def highlight(
        self, selector: str, *, duration_ms: int = 0, check: bool = True, **options: Any
    ) -> Highlighted:
        """Draw a frame around an element, for whoever watches."""
        return await self._do(calls.HIGHLIGHT, check, options, selector=selector, duration_ms=duration_ms)

    async def dialog(
        self, *, accept: bool, prompt_text: str = "", check: bool = True, **options: Any
    ) -> DialogAnswered:
        """Answer the dialog that is open."""
        return await self._do(calls.DIALOG, check, options, accept=accept, prompt_text=prompt_text)

    async def evaluate(
        self, expression: str, *, await_promise: bool = True, check: bool = True, **options: Any
    ) -> Evaluated:
        """Run JavaScript in the page; `.value` of the answer is its result."""
        return await self._do(calls.EVALUATE, check, options, expression=expression, await_promise=await_promise)

    async def capture_selection(self, selector: str = "", *, check: bool = True, **options: Any) -> SelectionCaptured:
        return await self._do(calls.CAPTURE_SELECTION, check, options, selector=selector)

    async def set_viewport(
        self,
        *,
        width: int = 0,
        height: int = 0,
        device_scale_factor: float = 0.0,
        mobile: bool = False,
        check: bool = True,
        **options: Any,
    ) -> ViewportSet:
        return await self._do(
            calls.SET_VIEWPORT,
            check,
            options,
            width=width,
            height=height,
            device_scale_factor=device_scale_factor,
            mobile=mobile,
        )

    async def observe(
        self,
        *,
        interactive_only: bool = False,
        search: str = "",
        diff_from: str = "",
        max_bytes: int = 0,
        check: bool = True,
        **options: Any,
    ) -> Observed:
        """Look at the page: its accessibility tree, with refs to act on, unless `include_…` asks for something else."""
        return await self._do(
            calls.OBSERVE,
            check,
            options,
            interactive_only=interactive_only,
            search=search,
            diff_from=diff_from,
            max_bytes=max_bytes,
        )

    async def screenshot(
        self, *, full_page: bool = False, selector: str = "", format: str = "", check: bool = True, **options: Any
    ) -> Screenshot:
        """Take a picture; `clip` is a box of `x`, `y`, `width` and `height`."""
        return await self._do(calls.SCREENSHOT, check, options, full_page=full_page, selector=selector, format=format)

    async def export_pdf(
        self, *, landscape: bool = False, print_background: bool = False, check: bool = True, **options: Any
    ) -> Pdf:
        return await self._do(calls.EXPORT_PDF, check, options, landscape=landscape, print_background=print_background)

    async def get_title(self, *, check: bool = True, **options: Any) -> Title:
        return await self._do(calls.GET_TITLE, check, options)

    async def network_log(
        self, *, limit: int = 0, after: int = 0, failed_only: bool = False, check: bool = True, **options: Any
    ) -> NetworkLog:
        return await self._do(calls.NETWORK_LOG, check, options, limit=limit, after=after, failed_only=failed_only)

    async def console_log(
        self, *, limit: int = 0, after: int = 0, minimum_severity: str = "", check: bool = True, **options: Any
    ) -> ConsoleLog:
        return await self._do(
            calls.CONSOLE_LOG, check, options, limit=limit, after=after, minimum_severity=minimum_severity
        )

    async def action_log(
        self, *, limit: int = 0, failed_only: bool = False, check: bool = True, **options: Any
    ) -> ActionLog:
        return await self._do(calls.ACTION_LOG, check, options, limit=limit, failed_only=failed_only)

    async def list_tabs(self, *, check: bool = True, **options: Any) -> Tabs:
        return await self._do(calls.LIST_TABS, check, options)

    async def open_tab(self, url: str = "", *, activate: bool = True, check: bool = True, **options: Any) -> TabOpened:
        return await self._do(calls.OPEN_TAB, check, options, url=url, activate=activate)

    async def switch_tab(self, tab_id: str, *, check: bool = True, **options: Any) -> TabSwitched:
        return await self._do(calls.SWITCH_TAB, check, options, tab_id=tab_id)

    async def close_tab(self, tab_id: str = "", *, check: bool = True, **options: Any) -> TabClosed:
        return await self._do(calls.CLOSE_TAB, check, options, tab_id=tab_id)

    async def get_permissions(self, *, check: bool = True, **options: Any) -> Permissions:
        return await self._do(calls.GET_PERMISSIONS, check, options)

    async def set_permissions(self, *, check: bool = True, **options: Any) -> Permissions:
        """Set `camera`, `microphone`, `location`, `notifications`, `clipboard` to allow, deny, ask or keep."""
        return await self._do(calls.SET_PERMISSIONS, check, options)

    async def reset_state(
        self,
        *,
        clear_cookies: bool = False,
        clear_storage: bool = False,
        reset_tabs: bool = False,
        check: bool = True,
        **options: Any,
    ) -> StateReset:
        """With nothing asked for: cookies and storage."""
        return await self._do(
            calls.RESET_STATE,
            check,
            options,
            clear_cookies=clear_cookies,
            clear_storage=clear_storage,
            reset_tabs=reset_tabs,
        )

    async def get_cookies(self, *, urls: Sequence[str] = (), check: bool = True, **options: Any) -> Cookies:
        """Only those that would be sent to `urls`, if there are any."""
        return await self._do(calls.GET_COOKIES, check, options, urls=urls)

    async def set_cookies(
        self, cookies: Sequence[Mapping[str, Any]], *, check: bool = True, **options: Any
    ) -> CookiesSet:
        return await self._do(calls.SET_COOKIES, check, options, cookies=cookies)

    async def clear_cookies(
        self, *, name: str = "", domain: str = "", path: str = "", check: bool = True, **options: Any
    ) -> CookiesCleared:
        """All that fit every field that is given."""
        return await self._do(calls.CLEAR_COOKIES, check, options, name=name, domain=domain, path=path)

    async def get_storage_state(
        self, *, origins: Sequence[str] = (), check: bool = True, **options: Any
    ) -> StorageState:
        """Cookies and localStorage in Playwright's format."""
        return await self._do(calls.GET_STORAGE_STATE, check, options, origins=origins)

    async def set_storage_state(
        self, storage_state: Mapping[str, Any], *, clear_first: bool = False, check: bool = True, **options: Any
    ) -> StorageStateSet:
        return await self._do(
            calls.SET_STORAGE_STATE, check, options, storage_state=storage_state, clear_first=clear_first
        )

    async def inspect_session(self, *, check: bool = True, **options: Any) -> Inspection:
        """Read a redacted bundle for finding out what went wrong."""
        return await self._do(calls.INSPECT_SESSION, check, options)

    async def _do(self, case: UseCase[A], check: bool, options: Mapping[str, Any], **fields: Any) -> A:
        return checked(await self._client.send(case.call(self._id, {**fields, **options})), check)
