import json
from pathlib import Path

import pytest

from cloche.agent.machine.beneath import Places
from cloche.agent.machine.fields import Fields
from cloche.agent.machine.parts.wish import Start, Wish, read_start, read_wish
from cloche.agent.machine.problem import Problem
from cloche.wire.agent_config import BrowserConfig

FULL = ("--headless=new", "about:blank")


def read(directory: Path, *, args: tuple[str, ...] = FULL, **fields: object) -> Wish:
    (directory / "workspace").mkdir(exist_ok=True)
    config = BrowserConfig(args=args, user_data_dir=str(directory / "profile"))
    return read_wish(Fields(fields), Places(str(directory / "workspace"), config.user_data_dir), config)


def refusal(directory: Path, **fields: object) -> tuple[str, object]:
    with pytest.raises(Problem) as caught:
        read(directory, **fields)
    assert caught.value.status == 400
    return caught.value.code, caught.value.fields.get("field")


def test_nothing_asked_for_changes_nothing(tmp_path: Path) -> None:
    wish = read(tmp_path)
    assert wish == Wish(None, None, None, None, False, Start())
    assert read(tmp_path, flags=None, extensions=None, policies=None, profile=None, start_url=None) == wish
    assert not wish.changes_profile


def test_an_empty_list_clears(tmp_path: Path) -> None:
    wish = read(tmp_path, args=("about:blank",), flags=[], extensions=[], policies={})
    assert (wish.flags, wish.extensions, wish.policies) == ((), (), b"")


def test_policies_become_what_chromium_reads(tmp_path: Path) -> None:
    wish = read(tmp_path, policies={"HomepageLocation": "https://ü.example"})
    assert wish.policies is not None
    assert json.loads(wish.policies) == {"HomepageLocation": "https://ü.example"}


def test_a_profile_is_a_directory_of_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "workspace" / "carried").mkdir(parents=True)
    wish = read(tmp_path, profile="/workspace/carried")
    assert wish.profile is not None
    assert wish.profile.shown == b"/workspace/carried"
    assert wish.changes_profile
    assert read(tmp_path, fresh_profile=True).changes_profile


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"flags": ["--no-sandbox"]}, "flag_protected", "flags"),
        ({"flags": ["x"]}, "invalid_flag", "flags"),
        ({"flags": ["--x"] * 201}, "invalid_request", "flags"),
        ({"flags": {"--x": 1}}, "invalid_request", "flags"),
        ({"extensions": ["ext"], "args": ()}, "engine_unsupported", "extensions"),
        ({"extensions": ["ext"] * 21}, "invalid_request", "extensions"),
        ({"extensions": ["ext"]}, "invalid_extension", "extensions"),
        ({"policies": {"X": 1}, "args": ()}, "engine_unsupported", "policies"),
        ({"policies": {"ProxyMode": "direct"}}, "policy_protected", "policies"),
        ({"policies": {"no name": 1}}, "invalid_policy", "policies"),
        ({"policies": {"X": "a" * 65536}}, "invalid_request", "policies"),
        ({"policies": [1]}, "invalid_request", "policies"),
        ({"profile": "."}, "invalid_request", "profile"),
        ({"profile": "a/.."}, "invalid_request", "profile"),
        ({"profile": "/profile/Default"}, "invalid_request", "profile"),
        ({"profile": "../x"}, "leaves_root", None),
        ({"profile": 7}, "invalid_request", "profile"),
        ({"start_url": "javascript:1+1"}, "invalid_request", "start_url"),
        ({"start_url": "a" * 3000}, "invalid_request", "start_url"),
        ({"restore_tabs": 1}, "invalid_request", "restore_tabs"),
        ({"fresh_profile": "no"}, "invalid_request", "fresh_profile"),
    ],
)
def test_what_will_not_do_is_refused_with_its_field(tmp_path: Path, fields, code: str, field: str | None) -> None:
    assert refusal(tmp_path, **fields) == (code, field)


def test_a_profile_that_is_a_link_or_excluded_by_a_fresh_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "workspace" / "carried").mkdir(parents=True)
    (tmp_path / "workspace" / "link").symlink_to("carried")
    assert refusal(tmp_path, profile="carried", fresh_profile=True) == ("invalid_request", "fresh_profile")
    with pytest.raises(OSError, match=r"director|symbolic"):
        read(tmp_path, profile="link")


def test_a_profile_on_another_file_system_is_refused(tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm")
    if elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("one file system for everything here")
    with pytest.raises(Problem) as caught:
        config = BrowserConfig(user_data_dir="/dev/shm/profile")
        (tmp_path / "carried").mkdir()
        read_wish(Fields({"profile": "carried"}), Places(str(tmp_path), ""), config)
    assert caught.value.code == "another_file_system"


@pytest.mark.parametrize(
    ("fields", "start"),
    [
        ({}, Start(None, True)),
        ({"restore_tabs": False}, Start(None, False)),
        ({"start_url": "a.example"}, Start("https://a.example", False)),
        ({"start_url": "about:blank", "restore_tabs": True}, Start("about:blank", True)),
    ],
)
def test_a_page_that_is_asked_for_wins_over_tabs(fields, start: Start) -> None:
    assert read_start(Fields(fields)) == start
