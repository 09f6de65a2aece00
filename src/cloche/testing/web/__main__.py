"""Serve the local web on loopback until interrupted: `python -m cloche.testing.web`."""

import argparse
import json
import signal
import sys

from cloche.testing.web.server import LOOPBACK_ONLY, LocalWeb, Places


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m cloche.testing.web", description=__doc__)
    parser.add_argument("--everywhere", action="store_true", help="ports 80 and 443 of every address")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with LocalWeb(Places() if options.everywhere else LOOPBACK_ONLY) as web:
        facts = {
            "http": web.url("site.test"),
            "https": web.url("site.test", tls=True),
            "http_port": web.http_port,
            "https_port": web.https_port,
            "hosts_file": str(web.hosts_file),
            "ca_file": str(web.ca_file),
        }
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
