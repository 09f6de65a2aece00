"""What goes over the REST border about a session's browser as something to be stopped, changed and started."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from cloche.api.rest.machine_schemas import Amount, NoNul, Pid, ShortText, Told, Whole
from cloche.api.rest.schemas import In
from cloche.wire.browser_flags import MAX_FLAG_CHARS, MAX_FLAGS, MAX_POLICIES
from cloche.wire.machine import MAX_EXTENSIONS, MAX_PATH_BYTES
from cloche.wire.start_url import check_start_url

PathIn = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PATH_BYTES), NoNul]
StartPage = Annotated[str, StringConstraints(min_length=1, max_length=2048), AfterValidator(check_start_url)]
FlagIn = Annotated[str, StringConstraints(max_length=MAX_FLAG_CHARS, pattern=r"^--[A-Za-z0-9]"), NoNul]


class BrowserStartIn(In):
    """The body of `POST …/browser/start`. Tabs are opened again unless there is a `start_url`, or as is said here.

    `start_url` is `http`, `https`, `data:` or `about:blank`, of at most 2048 bytes; a bare host gets `https://`.
    """

    start_url: StartPage | None = None
    restore_tabs: bool | None = None


class BrowserRestartIn(BrowserStartIn):
    """The body of `POST …/browser/restart`. What is null or left out stays as it is; an empty list clears.

    All but `start_url` and `restore_tabs` needs a session that was made with `machine`. `extensions` are unpacked
    directories in the workspace; they and `policies` are for the engine `chrome`. `profile` becomes the browser's
    user-data directory; with `fresh_profile` it gets an empty one.
    """

    flags: Annotated[list[FlagIn], Field(max_length=MAX_FLAGS)] | None = None
    extensions: Annotated[list[PathIn], Field(max_length=MAX_EXTENSIONS)] | None = None
    policies: Annotated[dict[str, Any], Field(max_length=MAX_POLICIES)] | None = None
    profile: PathIn | None = None
    fresh_profile: bool = False

    @property
    def needs_machine(self) -> bool:
        changes = (self.flags, self.extensions, self.policies, self.profile)
        return self.fresh_profile or any(change is not None for change in changes)


class RunningBrowserOut(Told):
    product: ShortText
    revision: ShortText
    pid: Pid


class BrowserStartOut(Told):
    """`stop_ms` is 0 where nothing had to be stopped."""

    browser: RunningBrowserOut
    stop_ms: Amount
    start_ms: Amount
    total_ms: Amount
    restored_tabs: Whole


class BrowserStopOut(Told):
    state: Literal["stopped"]
    stop_ms: Amount
