"""Sessions in the console: listed as they come and go, made, watched, ended; their files, programs and downloads."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

from .conftest import PATIENCE_MS, Json, OpenConsole, act, row, short, soon, toast

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEEN = """(isSeen) => {
    Object.defineProperty(document, "hidden", { value: !isSeen, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
KEEP_BLOBS = """() => {
    window.blobs = [];
    const make = URL.createObjectURL.bind(URL);
    URL.createObjectURL = (blob) => (blobs.push(blob), make(blob));
}"""
"""What is handed to the person: the browser keeps no body of an answer that was read piece by piece."""


async def test_the_list_shows_sessions_as_they_come_and_go(
    open_console: OpenConsole, shared_daemon: DaemonProcess
) -> None:
    page = await open_console("/app/sessions")
    await expect(page.get_by_text("● Live")).to_be_visible()
    loads = await loads_of(page)
    session = await shared_daemon.create_session(labels={"team": "blue"})
    mine = row(page, short(session["id"]))
    await expect(mine).to_contain_text("ready")
    await expect(mine).to_contain_text("team: blue")
    await has_picture(mine.locator("img"))
    await shared_daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    await expect(mine).to_contain_text("closed")
    await page.get_by_label("Search").press_sequentially("nothing fits this")
    await expect(page.get_by_text("No session fits")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"q=nothing\+fits\+this$"))
    await page.get_by_role("button", name="Show all").click()
    await expect(mine).to_be_visible()
    await expect(page.get_by_label("Search")).to_have_value("")
    await page.get_by_role("combobox", name="Labels").fill("team")
    await page.get_by_role("combobox", name="Labels").press("Enter")
    await expect(page.get_by_text("Written as name:value.")).to_be_visible()
    await page.get_by_role("combobox", name="Status").click()
    offered = await page.get_by_role("option").all_inner_texts()
    assert offered == ["pending", "ready", "sleeping", "hibernated", "closing", "closed", "failed"]
    await page.keyboard.press("Escape")
    assert await loads_of(page) == loads, "the page was loaded anew"


async def test_a_session_is_made_with_options_watched_and_ended(
    open_console: OpenConsole, shared_daemon: DaemonProcess, local_web: LocalWeb
) -> None:
    page = await open_console("/app/sessions")
    await page.get_by_role("button", name="New session").first.click()
    dialog = page.get_by_role("dialog", name="New session")
    await dialog.get_by_label("Start at").fill(local_web.url("site.test", "/page"))
    await dialog.get_by_label("Width").fill("800")
    await dialog.get_by_label("Height").fill("600")
    await dialog.get_by_label("Labels").fill("made:here")
    await dialog.get_by_label("Labels").press("Enter")
    await dialog.get_by_role("button", name=re.compile("^Files and rights")).click()
    await dialog.get_by_label("Machine: programs, files and a terminal").check()
    await dialog.get_by_role("button", name=re.compile("^Time")).click()
    await dialog.get_by_label("Lives at most").fill("10")
    await dialog.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("status").filter(has_text="The session starts")).to_be_visible()
    await expect(page.get_by_role("tab", name="Live")).to_be_visible(timeout=PATIENCE_MS)
    id_ = page.url.split("/")[5]
    made = (await shared_daemon.request("GET", f"/v1/sessions/{id_}")).json
    assert (made["labels"], made["machine"], made["viewport"]["width"]) == ({"made": "here"}, True, 800)

    # What the session shows is what is seen.
    await expect(page.locator("cloche-live")).to_have_attribute("data-status", "live", timeout=PATIENCE_MS)
    for colour in ((200, 40, 40), (30, 60, 180)):
        await act(shared_daemon, made, "evaluate", expression=f"document.body.style.background = 'rgb{colour}'")
        await shown(page, colour)

    await page.get_by_role("button", name=re.compile("^Actions for session")).click()
    await page.get_by_role("menuitem", name="End…", exact=True).click()
    asked = page.get_by_role("dialog", name=re.compile("^End session"))
    await asked.get_by_role("button", name="Cancel").click()
    assert (await shared_daemon.request("GET", f"/v1/sessions/{id_}")).json["status"] == "ready"
    await page.get_by_role("button", name=re.compile("^Actions for session")).click()
    await page.get_by_role("menuitem", name="End…", exact=True).click()
    await asked.get_by_role("button", name="End").click()
    await expect(page.get_by_text("This session has ended: closed by user")).to_be_visible(timeout=PATIENCE_MS)
    await expect(page.get_by_role("tab", name="Live")).to_have_count(0)


async def test_a_field_that_the_server_refuses_is_named(open_console: OpenConsole) -> None:
    page = await open_console("/app/sessions?new")
    dialog = page.get_by_role("dialog", name="New session")
    await dialog.get_by_label("Start at").fill("file:///etc/passwd")
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("The session was not made")
    await expect(dialog.get_by_label("Start at")).to_have_attribute("aria-invalid", "true")


async def test_whoever_owns_a_session_gives_and_takes_control(
    open_console: OpenConsole, shared_daemon: DaemonProcess, session: Json
) -> None:
    page = await open_console(f"/app/sessions/{session['id']}/live")
    await expect(page.locator("cloche-live")).to_have_attribute("data-status", "live", timeout=PATIENCE_MS)
    who = page.get_by_role("region", name="Control")
    await expect(who).to_contain_text("Nobody has control")
    await who.get_by_role("button", name="Take control").click()
    await expect(who).to_contain_text("You have control")
    state = (await shared_daemon.request("GET", f"/v1/sessions/{session['id']}/live/state")).json
    assert state["control"] == {"state": "taken", "holder": state["viewers"][0]["id"]}
    await who.get_by_role("button", name="Release control").click()
    await expect(who).to_contain_text("Nobody has control")

    # Somebody else has it, and is not asked.
    link = (await shared_daemon.request("POST", f"/v1/sessions/{session['id']}/live/links", {"right": "control"})).json
    other = await page.context.new_page()
    await other.goto(link["url"] + "&name=Ann")
    await expect(other.get_by_role("main")).to_have_count(1)
    await expect(other.get_by_role("main")).to_have_attribute("data-status", "live", timeout=PATIENCE_MS)
    await other.get_by_role("button", name="Take control").click()
    await expect(who).to_contain_text("Ann has control")
    await who.get_by_role("button", name="Take it away").click()
    await expect(who).to_contain_text("Nobody has control")


async def test_a_file_in_quarantine_is_released(
    open_console: OpenConsole, shared_daemon: DaemonProcess, local_web: LocalWeb, session: Json
) -> None:
    page = await open_console(f"/app/sessions/{session['id']}/downloads")
    await expect(page.get_by_text("No files")).to_be_visible()
    url = local_web.url("site.test", "/download/report.txt?size=99&type=application/pdf")
    await act(shared_daemon, session, "evaluate", expression=f"void (location.href = {url!r})")
    file = row(page, "report.txt")
    await expect(file).to_contain_text("quarantined")
    await expect(file).to_contain_text("not what the server it came from said")
    await expect(file.get_by_role("button", name="Download report.txt")).to_have_count(0)
    await file.get_by_role("button", name="Release report.txt").click()
    await page.get_by_role("dialog").get_by_role("button", name="Release").click()
    await expect(file).to_contain_text("released")
    async with page.expect_download() as told:
        await file.get_by_role("button", name="Download report.txt").click()
    saved = await told.value
    assert saved.suggested_filename == "report.txt"
    (artifact,) = (await shared_daemon.request("GET", f"/v1/artifacts?session_id={session['id']}")).json["artifacts"]
    assert (artifact["state"], artifact["decided_by"]) == ("released", "admin")
    await file.get_by_role("button", name="Delete report.txt").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("No files")).to_be_visible()


async def test_a_terminal_is_typed_into(open_console: OpenConsole, session: Json) -> None:
    page = await open_console(f"/app/sessions/{session['id']}/processes")
    await page.get_by_role("button", name="New terminal").click()
    terminal = page.get_by_role("textbox", name="Terminal input")
    await expect(terminal).to_be_focused()
    screen = page.locator(".xterm-rows")
    await expect(screen).to_contain_text(re.compile(r"[$#]"))
    await page.keyboard.type("echo $((6 * 7)) hi\n")
    await expect(screen).to_contain_text("42 hi")
    # Its rows are drawn; a screen reader reads others, where somebody wants them.
    await page.get_by_label("For screen readers").check()
    await expect(page.get_by_role("listitem").filter(has_text="42 hi").first).to_be_visible()
    await terminal.focus()
    await page.keyboard.type("exit 3\n")
    await expect(page.get_by_text("Ended with 3.")).to_be_visible()
    await expect(page.get_by_role("navigation", name="Programs")).to_contain_text("exited")


async def test_files_are_uploaded_fetched_and_deleted(
    open_console: OpenConsole, shared_daemon: DaemonProcess, session: Json
) -> None:
    page = await open_console(f"/app/sessions/{session['id']}/files")
    await expect(page.get_by_text("Nothing is in here")).to_be_visible()
    content = "grüße\n".encode()
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Upload").click()
    await (await chooser.value).set_files([{"name": "notes.txt", "mimeType": "text/plain", "buffer": content}])
    file = row(page, "notes.txt")
    await expect(file).to_contain_text(f"{len(content)} B")
    await page.evaluate(KEEP_BLOBS)
    async with page.expect_download() as told:
        await file.get_by_role("button", name="notes.txt", exact=True).click()
    assert (await told.value).suggested_filename == "notes.txt"
    assert await page.evaluate("blobs.at(-1).text()") == content.decode()
    await page.get_by_role("button", name="New directory").click()
    await page.get_by_role("dialog").get_by_label("Name, in /workspace").fill("papers")
    await page.get_by_role("dialog").get_by_role("button", name="Make it").click()
    await row(page, "papers").get_by_role("button", name="papers", exact=True).click()
    await expect(page.get_by_text("Nothing is in here")).to_be_visible()
    await page.get_by_role("button", name="workspace: other places").click()
    await page.get_by_role("menuitem", name="/workspace").click()
    await page.get_by_role("button", name="Actions for notes.txt").click()
    await page.get_by_role("menuitem", name="Delete…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(file).to_have_count(0)
    await expect(row(page, "papers")).to_be_visible()
    assert not await toast(page, "not deleted").is_visible()

    # What another makes shows by itself; what a program makes, once one asks.
    made = await shared_daemon.request(
        "PUT", f"/v1/sessions/{session['id']}/fs/create_directory", {"path": "/workspace/by-another"}
    )
    assert made.status < 300, made.body
    await expect(row(page, "by-another")).to_be_visible()
    ran = await shared_daemon.request(
        "POST", f"/v1/sessions/{session['id']}/process/exec", {"command": "touch", "args": ["/workspace/by-a-program"]}
    )
    assert ran.status == 200, ran.body
    await page.get_by_role("button", name="Refresh").click()
    await expect(row(page, "by-a-program")).to_be_visible()


async def test_logs_follow_what_is_done(
    open_console: OpenConsole, shared_daemon: DaemonProcess, local_web: LocalWeb, session: Json
) -> None:
    page = await open_console(f"/app/sessions/{session['id']}/console")
    await expect(page.get_by_text("Nothing in the console")).to_be_visible()
    await act(shared_daemon, session, "evaluate", expression="console.error('the till is empty')")
    await expect(page.get_by_role("log", name="Console")).to_contain_text("the till is empty")
    await page.get_by_role("tab", name="Network").click()
    await expect(page.get_by_role("button", name="Refresh")).to_be_enabled()
    await act(shared_daemon, session, "navigate", url=local_web.url("site.test", "/form"))
    await expect(row(page, "http://site.test/form")).to_contain_text("200")
    await page.get_by_label("Address contains").fill("nowhere")
    await expect(page.get_by_text("Nothing fits")).to_be_visible()
    await page.get_by_role("tab", name="Actions").click()
    await expect(row(page, "navigate")).to_contain_text("done")


async def test_a_log_that_is_only_looked_at_is_hardly_read(open_console: OpenConsole, session: Json) -> None:
    """Each reading stands in the audit journal and keeps the session from idling."""
    page = await open_console("/app/sessions")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "console_log" in request.url else None)
    await page.clock.install()
    await page.goto(page.url.replace("/app/sessions", f"/app/sessions/{session['id']}/console"))
    refresh = page.get_by_role("button", name="Refresh")
    await expect(page.get_by_text("Nothing in the console")).to_be_visible()
    # What happened before one came is told, and read, first.
    await page.clock.run_for(5_000)
    await expect(refresh).to_be_enabled()
    before = len(asked)
    await page.clock.run_for(20_000)
    assert len(asked) == before
    async with page.expect_request(lambda request: "console_log" in request.url):
        await page.clock.run_for(15_000)
    await expect(refresh).to_be_enabled()
    async with page.expect_request(lambda request: "console_log" in request.url):
        await refresh.click()


async def test_an_address_of_no_session_says_so(open_console: OpenConsole) -> None:
    page = await open_console("/app/sessions/ses_01M82TWYNFRPZ27CFEVERW38ZV")
    await expect(page.get_by_role("alert")).to_contain_text("The session could not be read")
    await expect(page.get_by_role("alert")).to_contain_text("It has ended or was deleted")
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)


async def test_meters_move_while_they_are_looked_at(
    open_console: OpenConsole, shared_daemon: DaemonProcess, local_web: LocalWeb, session: Json
) -> None:
    page = await open_console(f"/app/sessions/{session['id']}/budget")
    await expect(page.get_by_text("0 of 10,000")).to_be_visible()
    await act(shared_daemon, session, "navigate", url=local_web.url("site.test", "/form"))
    await expect(page.get_by_text("1 of 10,000")).to_be_visible()
    # No event tells of bytes: they are asked for.
    async with page.expect_response(re.compile(f"/v1/sessions/{session['id']}$")):
        pass


async def test_a_page_that_nobody_sees_lets_go_of_its_streams(open_console: OpenConsole, session: Json) -> None:
    """A browser allows six connections to one server: those of forgotten tabs would take them all."""
    page = await open_console("/app/sessions")
    dropped: list[str] = []
    page.on("requestfailed", lambda request: dropped.append(request.url.rpartition("/v1/")[2]))
    await page.clock.install()
    await page.goto(page.url.replace("/app/sessions", f"/app/sessions/{session['id']}/events"))
    await expect(page.get_by_text("As they happen")).to_be_visible()
    await expect(page.get_by_text("● Live")).to_be_visible()
    ready = row(page, "session.ready")
    await expect(ready).to_have_count(1)
    await page.evaluate(SEEN, False)
    await page.clock.run_for(31_000)

    async def are_dropped() -> bool:
        return {"events", f"sessions/{session['id']}/events"} <= set(dropped)

    await soon(are_dropped)
    async with page.expect_response(lambda answer: answer.url.endswith(f"/v1/sessions/{session['id']}/events")):
        await page.evaluate(SEEN, True)
    await expect(page.get_by_text("● Live")).to_be_visible()
    # The stream told all from the beginning again.
    await page.clock.run_for(1_000)
    await expect(ready).to_have_count(1)


async def loads_of(page: Page) -> float:
    return float(await page.evaluate("performance.timeOrigin"))


async def has_picture(image: Locator) -> None:
    """Wait until that is one which was fetched and could be drawn."""
    await expect(image).to_be_visible()
    await expect(image).to_have_js_property("complete", True)
    assert await image.evaluate("(image) => image.naturalWidth") > 0


async def shown(page: Page, colour: tuple[int, int, int]) -> None:
    """Wait until the middle of the live picture has about that colour: codecs are lossy."""
    await page.wait_for_function(
        """async (wanted) => {
            const image = await createImageBitmap(await document.querySelector("cloche-live").screenshot());
            const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
            context.drawImage(image, 0, 0);
            const seen = context.getImageData(image.width >> 1, image.height >> 1, 1, 1).data;
            return wanted.every((part, index) => Math.abs(part - seen[index]) <= 30);
        }""",
        arg=list(colour),
        timeout=PATIENCE_MS,
    )
