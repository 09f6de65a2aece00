import os
import stat
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from cloche.agent.machine.api import Loaded, Surroundings
from cloche.agent.machine.spool import SpoolApi
from cloche.testing.agent_http import Client, Reply, run

GUID: Final = "0b37e6ce-73e1-46c7-ae4a-3837fedd923e"
CONTENT: Final = bytes(range(256)) * 5000


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    made = tmp_path / "downloads"
    made.mkdir()
    return made


def serve(spool: Path, scenario: Callable[[Client], Awaitable[None]]) -> None:
    def load(surroundings: Surroundings) -> Loaded:
        config = surroundings.config._replace(spool_dir=str(spool))
        return Loaded(SpoolApi(surroundings._replace(config=config)).routes(), None)

    run(scenario, load)


def ask(spool: Path, method: str, target: str) -> Reply:
    replies: list[Reply] = []

    async def scenario(client: Client) -> None:
        replies.append(await client.ask(method, target))

    serve(spool, scenario)
    return replies[0]


@pytest.mark.parametrize("content", [b"", b"x", CONTENT])
def test_what_was_downloaded_comes_whole_with_its_size(spool: Path, content: bytes) -> None:
    (spool / GUID).write_bytes(content)
    reply = ask(spool, "GET", f"/spool/{GUID}")
    assert (reply.status, reply.body, reply.is_whole) == (200, content, True)
    assert (reply.type, reply.fields["cloche-size"]) == ("application/octet-stream", str(len(content)))


def plant_link(place: Path) -> None:
    place.symlink_to("/etc/passwd")


def plant_link_beside(place: Path) -> None:
    place.with_name("real").write_bytes(b"x")
    place.symlink_to("real")


def plant_second_name(place: Path) -> None:
    place.with_name("first").write_bytes(b"x")
    place.hardlink_to(place.with_name("first"))


@pytest.mark.parametrize("plant", [plant_link, plant_link_beside, plant_second_name, os.mkfifo, os.mkdir])
def test_nothing_but_a_regular_file_with_one_name_is_read(spool: Path, plant: Callable[[Path], None]) -> None:
    plant(spool / GUID)
    assert ask(spool, "GET", f"/spool/{GUID}").refusal == "400 not_a_file"


def test_a_device_is_not_opened(spool: Path) -> None:
    try:
        os.mknod(spool / GUID, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("no devices can be made here: doctor says which privilege is missing")
    assert ask(spool, "GET", f"/spool/{GUID}").refusal == "400 not_a_file"


@pytest.mark.parametrize("name", ["..", "%2e%2e", "a%2Fb", "A", "x" * 65, f"{GUID}.crdownload", "%00", "%ff"])
def test_a_name_that_chromium_never_gives_is_not_looked_for(spool: Path, name: str) -> None:
    assert ask(spool, "GET", f"/spool/{name}").status in (400, 404)
    assert ask(spool, "DELETE", f"/spool/{name}").status in (400, 404)


def test_a_download_that_is_not_there_is_not_found(spool: Path) -> None:
    assert ask(spool, "GET", f"/spool/{GUID}").refusal == "404 not_found"


def test_a_spool_that_has_become_a_link_is_not_followed(spool: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / GUID).write_bytes(b"secret")
    spool.rmdir()
    spool.symlink_to("other")
    for method in ("GET", "DELETE"):
        assert ask(spool, method, f"/spool/{GUID}").status == 400
    assert ask(spool, "DELETE", "/spool").status == 400
    assert (tmp_path / "other" / GUID).read_bytes() == b"secret"


def test_a_file_that_shrinks_breaks_the_answer_off(spool: Path) -> None:
    (spool / GUID).write_bytes(bytes(8 << 20))

    async def scenario(client: Client) -> None:
        connection = await client.open("GET", f"/spool/{GUID}")
        await connection.until(b"\r\n\r\n")
        os.truncate(spool / GUID, 1 << 20)
        reply = await connection.reply()
        assert reply.status == 200 and not reply.is_whole

    serve(spool, scenario)


def test_others_have_their_turn_while_a_large_one_goes_out(spool: Path) -> None:
    (spool / GUID).write_bytes(bytes(16 << 20))
    (spool / "0").write_bytes(b"small")

    async def scenario(client: Client) -> None:
        slow = await client.open("GET", f"/spool/{GUID}")
        await slow.until(b"\r\n\r\n")
        assert (await client.ask("GET", "/spool/0")).body == b"small"
        assert (await slow.reply()).is_whole

    serve(spool, scenario)


def test_one_is_removed_with_its_unfinished_part_and_removing_again_is_no_mistake(spool: Path) -> None:
    for name in (GUID, f"{GUID}.crdownload", "0"):
        (spool / name).write_bytes(b"x")
    assert [ask(spool, "DELETE", f"/spool/{GUID}").status for _ in range(2)] == [204, 204]
    assert os.listdir(spool) == ["0"]


def test_all_of_it_is_cleared_away_whatever_lies_there(spool: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(b"x")
    (spool / "file").write_bytes(b"x")
    (spool / "link").symlink_to(tmp_path / "kept")
    (spool / "deep" / "er").mkdir(parents=True)
    (spool / "deep" / "er" / "file").write_bytes(b"x")
    assert ask(spool, "DELETE", "/spool").status == 204
    assert os.listdir(spool) == []
    assert (tmp_path / "kept" / "file").read_bytes() == b"x"


def test_a_file_that_a_client_had_put_elsewhere_is_read_where_it_lies(spool: Path, tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "report.pdf").write_bytes(b"%PDF")
    (tmp_path / "else" / "link").symlink_to("report.pdf")
    assert ask(spool, "GET", f"/spool?path={tmp_path}/else/report.pdf").body == b"%PDF"
    assert ask(spool, "GET", f"/spool?path={tmp_path}/else/link").refusal == "400 not_a_file"


@pytest.mark.parametrize("path", ["", "relative", "/proc/self/environ", "%00", "/x%00y"])
def test_nothing_outside_the_sessions_own_files_is_a_download(spool: Path, path: str) -> None:
    assert ask(spool, "GET", f"/spool?path={path}").status == 400


def test_a_fifo_in_the_way_of_a_path_keeps_nobody(spool: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    reader = threading.Thread(target=lambda: ask(spool, "GET", f"/spool?path={tmp_path}/fifo"), daemon=True)
    reader.start()
    reader.join(5)
    assert not reader.is_alive()
