"""What the policy page says of the settings."""

import json

from cloche.daemon.policy_view import policy_view
from cloche.daemon.settings import Settings


def test_it_is_json_and_says_what_is_in_force():
    view = policy_view(Settings(private_hosts_ceiling=("10.0.0.0/8:443", "intranet.test:*")), is_loopback=False)
    assert json.loads(json.dumps(view)) == view
    assert view["egress"]["private_hosts"] == ["10.0.0.0/8:443", "intranet.test:*"]
    assert view["live"]["clipboard"] == "in"
    assert view["budget"]["default"]["memory_bytes"] <= view["budget"]["most"]["memory_bytes"]


def test_a_server_on_loopback_opens_any_private_host_that_is_named():
    assert policy_view(Settings(), is_loopback=True)["egress"]["private_hosts"] == "any"


def test_it_tells_no_secret():
    settings = Settings(
        egress_upstream="socks5://user:hunter2@proxy.test:1080",  # type: ignore[arg-type]
        live_turn_secret="hunter2",  # type: ignore[arg-type]
        admin_key="ck_hunter2hunter2hunter2hunter2",  # type: ignore[arg-type]
    )
    view = policy_view(settings, is_loopback=True)
    assert "hunter2" not in json.dumps(view)
    assert view["egress"]["upstream"] is True
