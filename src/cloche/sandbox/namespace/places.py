"""Where things are inside a sandbox: the image is built to it, the command line mounts to it."""

from typing import Final

PYTHON_HOME: Final = "/opt/python"
PYTHON: Final = "/opt/python/bin/python3"
AGENT: Final = "/usr/share/cloche/agent.pyz"
WELCOME: Final = "/usr/share/cloche/welcome.html"

LOCK: Final = "/usr/share/cloche/image.lock"
"""Every sandbox holds a read lock on it while it runs (bubblewrap's --lock-file), so a used image is never removed."""

BROWSER: Final = "/opt/chromium"
LINK: Final = "/run/cloche"
DATA: Final = "/data"
DATA_DIRECTORIES: Final = ("home", "profile", "tmp", "workspace")

FONTS: Final = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/etc/fonts",
    "/usr/share/fontconfig",
    "/var/cache/fontconfig",
)
"""Bound as they are on the host, those that are there; the image has a place for each."""

UID: Final = 1000
HOSTNAME: Final = "cloche"
