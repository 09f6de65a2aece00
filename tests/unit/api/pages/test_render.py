"""Pages and their policy."""

import json
import re

import pytest

from cloche.api.pages.live_modules import MODULES
from cloche.api.pages.render import LiveEmbed, docs_page, live_page
from cloche.ids import SessionId

ID = SessionId("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV")
URL = f"ws://127.0.0.1:8090/v1/sessions/{ID}/live/ws?token=t"
BEHIND_A_PROXY = f"wss://cloche.example/browsers/v1/sessions/{ID}/live/ws?token=t"


def policy_of(url: str = URL, embed: LiveEmbed | None = None) -> dict[str, str]:
    page = live_page(ID, url, embed=embed or LiveEmbed())
    directives = page.headers["content-security-policy"].split("; ")
    return {name: value for name, _, value in (each.partition(" ") for each in directives)}


def test_only_what_carries_the_fresh_nonce_may_run() -> None:
    first, second = live_page(ID, URL), live_page(ID, URL)
    policies = [page.headers["content-security-policy"] for page in (first, second)]
    nonces = [re.findall(r"script-src 'nonce-([^']+)'", policy) for policy in policies]
    assert nonces[0] != nonces[1] and len(nonces[0]) == 1
    html = bytes(first.body).decode()
    opened = re.findall(r"<(?:script|style)[^>]*>", html)
    assert opened and all(f'nonce="{nonces[0][0]}"' in tag for tag in opened)
    assert "default-src 'none'" in policies[0] and "unsafe" not in policies[0]


def test_beside_the_nonce_only_the_modules_of_the_live_view_may_run() -> None:
    assert policy_of()["script-src"].split()[1:] == ["http://127.0.0.1:8090/live/"]
    assert policy_of(BEHIND_A_PROXY)["script-src"].split()[1:] == ["https://cloche.example/browsers/live/"]
    docs = docs_page({"info": {}}).headers["content-security-policy"]
    assert re.search(r"script-src 'nonce-[^' ]+';", docs)


def test_a_page_loads_nothing_from_elsewhere() -> None:
    for page in (live_page(ID, URL), docs_page({"info": {}})):
        html = bytes(page.body).decode()
        assert not re.search(r"""(?:src|href)\s*=\s*["'](?:https?:)?//""", html)
        assert not re.search(r"\s(?:on[a-z]+|style)\s*=\s*[\"']", html), (
            "inline handlers and styles do not pass the policy"
        )


def test_the_live_page_names_its_module_of_this_version_wherever_a_proxy_has_put_it() -> None:
    html = bytes(live_page(ID, BEHIND_A_PROXY).body).decode()
    assert f'src="../../../live/page.js?v={MODULES.version}"' in html


def test_the_live_page_has_all_its_modules_loaded_at_once() -> None:
    html = bytes(live_page(ID, URL).body).decode()
    assert set(re.findall(r'rel="modulepreload" nonce="[^"]+" href="../../../live/([^?"]+)\?', html)) == MODULES.needed


def test_data_cannot_end_the_element_it_stands_in() -> None:
    html = bytes(docs_page({"info": {"title": "</script><script>alert(1)</script><!--"}}).body).decode()
    data = re.search(r'id="data"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert data is not None and "<" not in data[1]
    assert json.loads(data[1])["info"]["title"].startswith("</script>")


def test_the_live_page_may_connect_only_to_its_own_server() -> None:
    assert policy_of()["connect-src"] == "'self' ws://127.0.0.1:8090 http://127.0.0.1:8090"
    assert policy_of(BEHIND_A_PROXY)["connect-src"] == "'self' wss://cloche.example https://cloche.example"


def test_nobody_may_put_the_live_page_into_a_frame_unless_the_operator_says_who() -> None:
    assert policy_of()["frame-ancestors"] == "'none'"
    assert live_page(ID, URL).headers["x-frame-options"] == "DENY"
    embed = LiveEmbed(("'self'", "https://app.example", "https://*.shop.example:8443"))
    assert policy_of(embed=embed)["frame-ancestors"] == "'self' https://app.example https://*.shop.example:8443"
    assert "x-frame-options" not in live_page(ID, URL, embed=embed).headers


@pytest.mark.parametrize("source", ["", "https://a.example; script-src *", "a.example b.example", "'unsafe-inline'"])
def test_who_may_embed_is_a_source_and_never_another_directive(source: str) -> None:
    with pytest.raises(ValueError, match="embed the live page"):
        LiveEmbed((source,))
