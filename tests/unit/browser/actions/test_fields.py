"""Options and files, against a real Chromium."""

from collections.abc import Awaitable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.actions.fields import base_name, select, set_file_input
from cloche.browser.contract.actions import SelectRequest, SetFileInputRequest, UploadFile
from cloche.browser.contract.common import ActionError, Failure

from .conftest import Ask, CallOf, Show

SOON_S = 0.15

OPTIONS = """<select id=s><option value=a>Apple</option>
<optgroup label=more><option value=b>Big  pear</option></optgroup>
<option value=c disabled>Cherry</option></select><script>window.log = [];
for (const type of ['input', 'change']) s.addEventListener(type, () => log.push(type + s.value))</script>"""


async def failure(action: Awaitable[object]) -> ActionError:
    with pytest.raises(ActionError) as caught:
        await action
    return caught.value


@pytest.mark.parametrize(
    "request_",
    [SelectRequest(value="b"), SelectRequest(label="Big pear"), SelectRequest(index=1), SelectRequest(values=["b"])],
)
async def test_an_option_is_chosen_and_the_page_told(
    show: Show, ask: Ask, call_of: CallOf, request_: SelectRequest
) -> None:
    tab = await show(OPTIONS)
    answer = await select(call_of(tab), _on("#s", request_))
    assert (answer.selected_value, answer.selected_values, answer.matches) == ("b", ["b"], 1)
    assert await ask("log") == ["inputb", "changeb"]


def _on(selector: str, request: SelectRequest) -> SelectRequest:
    return SelectRequest(
        selector=selector, value=request.value, values=request.values, label=request.label, index=request.index
    )


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (SelectRequest(value="nothing"), Failure.VALUE_NOT_FOUND),
        (SelectRequest(label="Nothing"), Failure.VALUE_NOT_FOUND),
        (SelectRequest(index=7), Failure.VALUE_NOT_FOUND),
        (SelectRequest(values=["a", "b"]), Failure.VALUE_NOT_FOUND),
        (SelectRequest(value="c"), Failure.NOT_ENABLED),
    ],
)
async def test_an_option_that_cannot_be_chosen_is_told(
    show: Show, ask: Ask, call_of: CallOf, request_: SelectRequest, code: Failure
) -> None:
    tab = await show(OPTIONS)
    assert (await failure(select(call_of(tab, patience_s=SOON_S), _on("#s", request_)))).code is code
    assert await ask("log") == []


async def test_late_options_are_waited_for(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<select id=s></select><script>setTimeout(() => { s.innerHTML = '<option>late' }, 50)</script>")
    assert (await select(call_of(tab), SelectRequest(selector="#s", value="late"))).selected_value == "late"


async def test_several_options_are_chosen_where_that_is_allowed(show: Show, call_of: CallOf) -> None:
    tab = await show("<select id=s multiple><option selected>a<option>b<option>c</select>")
    answer = await select(call_of(tab), SelectRequest(selector="#s", values=["b", "c"]))
    assert answer.selected_values == ["b", "c"]


async def test_what_is_no_select_is_told(show: Show, call_of: CallOf) -> None:
    tab = await show("<div id=s role=listbox>x</div>")
    assert (await failure(select(call_of(tab), SelectRequest(selector="#s", value="a")))).code is Failure.NOT_A_SELECT


READ = "Promise.all([...f.files].map(async (x) => [x.name, x.type, x.size, (await x.text()).slice(0, 9)]))"


async def test_a_file_is_given_to_an_input_hidden_or_not(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<input type=file id=f hidden><script>n = 0; f.onchange = () => n++</script>")
    request = SetFileInputRequest(selector="#f", file_name="C:\\x\\..\\note.txt", file_bytes=b"hello")
    answer = await set_file_input(call_of(tab), request)
    assert (answer.uploaded_file_name, answer.uploaded_file_bytes, answer.uploaded_files) == ("note.txt", 5, 1)
    assert await ask(READ) == [["note.txt", "text/plain", 5, "hello"]]
    assert await ask("n") == 1


async def test_a_large_file_arrives_whole(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<input type=file id=f>")
    data = bytes(range(256)) * 8192
    await set_file_input(call_of(tab), SetFileInputRequest(selector="#f", file_name="a.bin", file_bytes=data))
    digest = "f.files[0].arrayBuffer().then((b) => new Uint8Array(b).every((x, i) => x === i % 256) && b.byteLength)"
    assert await ask(digest) == len(data)


async def test_several_files_need_an_input_that_takes_several(show: Show, ask: Ask, call_of: CallOf) -> None:
    files = [UploadFile(file_name=name, file_bytes=b"x", mime_type="text/plain") for name in ("a", "b")]
    tab = await show("<input type=file id=f multiple><input type=file id=one>")
    assert (await set_file_input(call_of(tab), SetFileInputRequest(selector="#f", files=files))).uploaded_files == 2
    assert [entry[0] for entry in await ask(READ)] == ["a", "b"]
    error = await failure(set_file_input(call_of(tab), SetFileInputRequest(selector="#one", files=files)))
    assert error.code is Failure.NOT_A_FILE_INPUT
    assert await ask("one.files.length") == 0


@pytest.mark.parametrize(("accept", "taken"), [(".png,.TXT", True), ("text/*", True), ("image/*,.pdf", False)])
async def test_what_an_input_does_not_accept_is_refused(show: Show, call_of: CallOf, accept: str, taken: bool) -> None:
    tab = await show(f"<input type=file id=f accept='{accept}'>")
    request = SetFileInputRequest(selector="#f", file_name="a.txt", file_bytes=b"x")
    if taken:
        assert (await set_file_input(call_of(tab), request)).uploaded_files == 1
    else:
        assert (await failure(set_file_input(call_of(tab), request))).code is Failure.NOT_A_FILE_INPUT


async def test_a_button_that_opens_a_chooser_is_clicked_for_it(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(
        "<input type=file id=f hidden><button id=b onclick='f.click()'>Pick</button><div id=d>no</div>"
        "<button id=detached onclick=\"const i = document.createElement('input'); i.type = 'file';"
        ' i.onchange = () => { got = i.files[0].name }; i.click()">Pick</button>'
    )
    request = SetFileInputRequest(selector="#b", file_name="a.txt", file_bytes=b"hi")
    await set_file_input(call_of(tab), request)
    assert await ask(READ) == [["a.txt", "text/plain", 2, "hi"]]
    request = SetFileInputRequest(selector="#d", file_name="a.txt", file_bytes=b"hi")
    error = await failure(set_file_input(call_of(tab, patience_s=0.3), request))
    assert error.code is Failure.NOT_A_FILE_INPUT


async def test_too_many_bytes_are_refused(show: Show, call_of: CallOf) -> None:
    tab = await show("<input type=file id=f>")
    request = SetFileInputRequest(selector="#f", file_name="a", file_bytes=b"12345")
    assert (await failure(set_file_input(call_of(tab, upload_bytes=4), request))).code is Failure.INPUT_TOO_LARGE


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("a.txt", "a.txt"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\x.exe", "x.exe"),
        ("..", "file"),
        ("", "file"),
        ("a\x00b\n.txt", "ab.txt"),
        ("Ünï cödé.pdf", "Ünï cödé.pdf"),
    ],
)
def test_a_file_is_named_without_its_folders(name: str, plain: str) -> None:
    assert base_name(name) == plain


@given(st.text(max_size=300))
def test_a_file_always_has_a_name_that_leads_nowhere(name: str) -> None:
    plain = base_name(name)
    assert plain
    assert plain not in (".", "..")
    assert not set(plain) & set('/\\\x00\r\n"')
