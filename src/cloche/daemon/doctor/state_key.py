"""The state key: without one there are no profiles, and with a wrong one the daemon does not start."""

import stat
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, bad, good, warning
from cloche.errors import InvalidError

NAME: Final = "state_key"
MEANING: Final = "profiles are encrypted under a key of yours"
MAKE: Final = (
    "openssl rand -base64 32 >/etc/cloche/state.key, chmod 600 it, and set CLOCHE_STATE_KEY_FILE=/etc/cloche/state.key"
)


def check(settings: DoctorSettings) -> CheckResult:
    """Reads the key as the daemon would, running the command if that is where it comes from."""
    source = settings.state_key
    try:
        keyring = source.read()
    except InvalidError as error:
        field = error.fields.get("field", "CLOCHE_STATE_KEY")
        return bad(NAME, MEANING, f"{field}: {error.detail}", f"make one anew, unless profiles exist: {MAKE}")
    if keyring is None:
        return warning(NAME, MEANING, "there is none, so there are no profiles", MAKE)
    found = f"key {keyring.key_id}, and {len(keyring.earlier_ids)} earlier"
    if source.file is not None and source.file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return warning(NAME, MEANING, f"{found}; others than its owner may use the file", f"chmod 600 {source.file}")
    return good(NAME, MEANING, found)
