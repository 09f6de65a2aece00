"""What is kept of sessions: profiles beside `tar | zstd | openssl`, the way of a download, the audit journal.

Everything in one run and in turns. `--only` picks parts.
"""

import argparse
import base64
import secrets

import state_downloads
import state_journal
import state_profiles
from cloche.testing.daemon import DaemonProcess
from figures import machine

PARTS = ("profiles", "starts", "downloads", "journal")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="may be given more than once")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--profile-mb", type=int, default=50)
    parser.add_argument("--starts", type=int, default=15)
    parser.add_argument("--start-mb", type=int, default=5)
    parser.add_argument("--downloads", type=int, default=7)
    parser.add_argument("--download-mb", type=int, default=100)
    parser.add_argument("--events", type=int, default=5000)
    options = parser.parse_args()
    parts = options.only or PARTS
    print(f"Machine: {machine()}")
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    with DaemonProcess(state_key=key, log_level="info") as daemon:
        if "profiles" in parts:
            state_profiles.compare(daemon, options.rounds, options.profile_mb)
        if "starts" in parts:
            state_profiles.starts(daemon, options.starts, options.start_mb)
        if "downloads" in parts:
            state_downloads.measure(daemon, options.downloads, options.download_mb)
    if "journal" in parts:
        state_journal.measure(options.events)


if __name__ == "__main__":
    main()
