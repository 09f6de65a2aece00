"""What lies in deploy/: well-formed, about series that there are, and without a secret that others know."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cloche.api.observe import HttpMetrics
from cloche.audit.metrics import JournalMetrics
from cloche.live.metrics import LiveMetrics
from cloche.sessions.agent_series import AgentSeries
from cloche.telemetry.metrics import Metrics

DEPLOY = Path(__file__).parents[1] / "deploy"
COMPOSE = DEPLOY / "compose/observability.yaml"
RULES = DEPLOY / "prometheus/rules/cloche.yml"
DASHBOARD = DEPLOY / "grafana/dashboards/cloche.json"
SERIES = re.compile(r"\bcloche_[a-z0-9_]+")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def all_series() -> set[str]:
    """The names of everything that a daemon counts, as a scrape has them."""
    metrics = Metrics()
    HttpMetrics(metrics.registry)
    LiveMetrics(metrics.registry)
    JournalMetrics(metrics.registry)
    metrics.registry.register(AgentSeries(lambda: iter(())))
    names: set[str] = set()
    for family in metrics.registry.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        names |= {family.name + suffix for suffix in suffixes}
    return names


def queries() -> Iterator[str]:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for group in read(RULES)["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.y*ml")), ids=lambda path: path.name)
def test_every_file_of_yaml_can_be_read(path: Path):
    assert read(path)


def test_dashboards_and_alerts_ask_for_series_that_there_are():
    known = all_series()
    asked = {name for query in queries() for name in SERIES.findall(query)}
    assert len(asked) > 20 and asked <= known, asked - known


def test_the_dashboard_has_panels_that_do_not_lie_over_each_other():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_nothing_has_a_password_that_somebody_else_knows():
    compose = read(COMPOSE)
    for name, service in compose["services"].items():
        for key, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|SECRET|KEY|CREDENTIAL", key):
                assert key.endswith("__FILE"), f"{name}: {key} is {value}"
    for secret in compose["secrets"].values():
        assert secret["file"].startswith("./secrets/")
    assert read(COMPOSE)["services"]["grafana"]["environment"]["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    coturn = (DEPLOY / "coturn/turnserver.conf").read_text()
    lines = [line for line in coturn.splitlines() if line.strip() and not line.startswith("#")]
    assert not [line for line in lines if re.match(r"(user|static-auth-secret|cli-password)\s*=", line)]
    assert "use-auth-secret" in lines


def test_only_the_relay_listens_beyond_this_machine():
    for name, service in read(COMPOSE)["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        assert service.get("network_mode") != "host" or name == "coturn"
        assert service["cap_drop"] == ["ALL"]


def test_what_compose_mounts_is_there():
    for service in read(COMPOSE)["services"].values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith(".") or (COMPOSE.parent / source).resolve().exists(), volume


def test_the_daemon_is_scraped_where_it_answers():
    (job,) = [
        job for job in read(DEPLOY / "prometheus/prometheus.yml")["scrape_configs"] if job["job_name"] == "cloche"
    ]
    assert job["metrics_path"] == "/metrics" and job["authorization"]["type"] == "Bearer"
