"""Pages and their policy."""

import json
import re

from cloche.api.pages.render import docs_page, live_page
from cloche.ids import SessionId

ID = SessionId("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV")
URL = f"ws://127.0.0.1:8090/v1/sessions/{ID}/cdp?token=t"


def test_only_what_carries_the_fresh_nonce_may_run() -> None:
    first, second = live_page(ID, URL), live_page(ID, URL)
    policies = [page.headers["content-security-policy"] for page in (first, second)]
    nonces = [re.findall(r"script-src 'nonce-([^']+)'", policy) for policy in policies]
    assert nonces[0] != nonces[1] and len(nonces[0]) == 1
    html = bytes(first.body).decode()
    opened = re.findall(r"<(?:script|style)[^>]*>", html)
    assert opened and all(f'nonce="{nonces[0][0]}"' in tag for tag in opened)
    assert "default-src 'none'" in policies[0] and "unsafe" not in policies[0]


def test_a_page_loads_nothing_from_elsewhere() -> None:
    for page in (live_page(ID, URL), docs_page({"info": {}})):
        html = bytes(page.body).decode()
        assert not re.search(r"""(?:src|href)\s*=\s*["'](?:https?:)?//""", html)
        assert not re.search(r"\s(?:on[a-z]+|style)\s*=\s*[\"']", html), (
            "inline handlers and styles do not pass the policy"
        )


def test_data_cannot_end_the_element_it_stands_in() -> None:
    html = bytes(docs_page({"info": {"title": "</script><script>alert(1)</script><!--"}}).body).decode()
    data = re.search(r'id="data"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert data is not None and "<" not in data[1]
    assert json.loads(data[1])["info"]["title"].startswith("</script>")


def test_the_live_page_may_connect_only_to_its_own_door() -> None:
    policy = live_page(ID, URL).headers["content-security-policy"]
    assert "connect-src 'self' ws://127.0.0.1:8090;" in policy
