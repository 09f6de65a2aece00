"""What a restart is asked to change: read from the request and checked as a whole, before anything is stopped."""

import json
import os
from typing import Final, NamedTuple

from cloche.agent.machine.beneath import Place, Places, open_beneath
from cloche.agent.machine.fields import Fields
from cloche.agent.machine.parts.extensions import find_extensions
from cloche.agent.machine.problem import Problem, invalid
from cloche.wire.agent_config import BrowserConfig
from cloche.wire.browser_flags import (
    MAX_FLAG_CHARS,
    MAX_FLAGS,
    MAX_POLICY_BYTES,
    NEEDS_FULL_CHROME,
    FlagError,
    check_flags,
    check_policies,
)
from cloche.wire.machine import MAX_EXTENSIONS, MAX_PATH_BYTES
from cloche.wire.start_url import MAX_URL_BYTES, check_start_url


class Start(NamedTuple):
    """What a browser is to open."""

    url: str | None = None
    restores_tabs: bool = True


class Wish(NamedTuple):
    """None: as it is."""

    flags: tuple[str, ...] | None
    extensions: tuple[str, ...] | None
    """Where they really lie."""
    policies: bytes | None
    """JSON; empty: none any more."""
    profile: Place | None
    is_fresh: bool
    """An empty profile instead."""
    start: Start

    @property
    def changes_profile(self) -> bool:
        return self.is_fresh or self.profile is not None


def read_start(fields: Fields) -> Start:
    """A page that is asked for wins over the tabs that were open, unless both are asked for.

    Raises: Problem 400.
    """
    url = None
    if fields.has("start_url"):
        try:
            url = check_start_url(fields.text("start_url", max_chars=MAX_URL_BYTES))
        except ValueError as error:
            raise invalid(str(error), "start_url") from None
    restores = fields.flag("restore_tabs") if fields.has("restore_tabs") else url is None
    return Start(url, restores)


def read_wish(fields: Fields, places: Places, config: BrowserConfig) -> Wish:
    """Raises: Problem 400."""
    profile = _profile(fields, places, config) if fields.has("profile") else None
    is_fresh = fields.flag("fresh_profile") if fields.has("fresh_profile") else False
    if profile is not None and is_fresh:
        raise invalid("profile and fresh_profile exclude each other", "fresh_profile")
    return Wish(
        _flags(fields) if fields.has("flags") else None,
        _extensions(fields, places, config) if fields.has("extensions") else None,
        _policies(fields, config) if fields.has("policies") else None,
        profile,
        is_fresh,
        read_start(fields),
    )


def _flags(fields: Fields) -> tuple[str, ...]:
    try:
        return check_flags(fields.texts("flags", max_items=MAX_FLAGS, max_chars=MAX_FLAG_CHARS))
    except FlagError as error:
        raise Problem(400, error.code, str(error), field="flags") from None


def _extensions(fields: Fields, places: Places, config: BrowserConfig) -> tuple[str, ...]:
    paths = fields.texts("extensions", max_items=MAX_EXTENSIONS, max_chars=MAX_PATH_BYTES)
    if paths:
        _require_full_chrome(config, "extensions")
    return find_extensions(places, paths)


def _policies(fields: Fields, config: BrowserConfig) -> bytes:
    policies = fields.mapping("policies")
    if not policies:
        return b""
    _require_full_chrome(config, "policies")
    try:
        check_policies(policies)
    except FlagError as error:
        raise Problem(400, error.code, str(error), field="policies") from None
    data = json.dumps(policies).encode()
    if len(data) > MAX_POLICY_BYTES:
        raise invalid(f"must be at most {MAX_POLICY_BYTES} bytes of JSON", "policies")
    return data


def _require_full_chrome(config: BrowserConfig, field: str) -> None:
    if NEEDS_FULL_CHROME not in config.args:
        raise Problem(400, "engine_unsupported", f"{field} need the engine `chrome`", field=field)


_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY


def _profile(fields: Fields, places: Places, config: BrowserConfig) -> Place:
    """A directory of the workspace that can take the profile's place by a rename."""
    place = places.locate(os.fsencode(fields.text("profile", max_chars=MAX_PATH_BYTES)))
    if place.is_profile or not place.parts or place.name == b"..":
        raise invalid("must be a directory in the workspace", "profile")
    fd = open_beneath(place, _DIRECTORY, follows=False)
    try:
        device = os.fstat(fd).st_dev
    finally:
        os.close(fd)
    if device != os.stat(os.path.dirname(config.user_data_dir)).st_dev:
        raise Problem(400, "another_file_system", "the directory is not where the profile is", field="profile")
    return place
