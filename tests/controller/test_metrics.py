"""A Prometheus is told what the controller does; the alerts of the chart ask for nothing else."""

import hmac
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from helm_chart import ROOT, VALUES, find_objects, read_golden
from mlflow_server import free_port
from pull_request_world import World, a_plan_of
from vtspec.pipelines.argo.workflow_state import WorkflowState
from vtspec.pipelines.controller.metrics import Metrics, SiteMetrics
from vtspec.pipelines.controller.receiver import make_receiver
from vtspec.pipelines.controller.view import Attempt, EndedRun
from vtspec.pipelines.forge.webhook import LONGEST_BODY, WebhookSecrets

SECRET = "a secret of the webhook"
BODY = b'{"repository": {"id": 7, "full_name": "acme/vision"}, "pull_request": {"number": 3}}'


class Scraped:
    """The endpoint, and what of it is read there."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.site = SiteMetrics(
            every=self.metrics, repository="acme/vision", find_requests_left=lambda: 4321
        )
        app = make_receiver(WebhookSecrets([SECRET]), lambda subject: None, metrics=self.metrics)
        self.client = TestClient(app)
        self.port = free_port()

    def fetch(self) -> str:
        return httpx.get(f"http://127.0.0.1:{self.port}/metrics").text

    def read(self, name: str, **labels: str) -> float | None:
        text = self.fetch()
        return next(
            (
                sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
                if sample.name == name and labels.items() <= sample.labels.items()
            ),
            None,
        )

    def deliver(self, body: bytes, secret: str = SECRET) -> None:
        signature = "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()
        headers = {"X-GitHub-Event": "pull_request", "X-Hub-Signature-256": signature}
        self.client.post("/webhook", content=body, headers=headers)


@pytest.fixture
def scraped() -> Iterator[Scraped]:
    found = Scraped()
    with found.client, found.metrics.serve("127.0.0.1", found.port):
        yield found


def test_figures_are_not_where_webhooks_are(scraped: Scraped) -> None:
    assert scraped.client.get("/metrics").status_code == 404
    assert "vtspec_webhooks_total" in scraped.fetch()


def test_webhooks_are_counted_by_what_came_of_them(scraped: Scraped) -> None:
    for body, secret in ((BODY, SECRET), (BODY, SECRET), (BODY, "wrong"), (b"{}", SECRET)):
        scraped.deliver(body, secret)
    scraped.deliver(b" " * (LONGEST_BODY + 1))
    outcomes = ("taken", "unsigned", "nothing", "too_long")
    counted = [scraped.read("vtspec_webhooks_total", outcome=one) for one in outcomes]
    assert counted == [2, 1, 1, 1]


def test_a_look_is_told_with_its_time_and_what_the_forge_has_left(scraped: Scraped) -> None:
    scraped.site.note_look(0.3, is_whole=True, is_done=True)
    scraped.site.note_look(0.2, is_whole=False, is_done=False)
    looks = "vtspec_looks_total"
    assert scraped.read(looks, scope="everything", outcome="done") == 1
    assert scraped.read(looks, scope="pull_requests", outcome="failed") == 1
    assert scraped.read("vtspec_look_seconds_sum", scope="everything") == 0.3
    assert scraped.read("vtspec_forge_requests_left") == 4321


def test_what_was_done_is_counted_by_kind(scraped: Scraped) -> None:
    scraped.site.count_action("CreateRun", "done")
    scraped.site.count_action("CreateRun", "later")
    assert scraped.read("vtspec_actions_total", kind="CreateRun", outcome="done") == 1
    scraped.site.note_events([0.04, 0.7])
    assert scraped.read("vtspec_event_to_action_seconds_bucket", le="0.05") == 1
    assert scraped.read("vtspec_event_to_action_seconds_count") == 2


def test_what_waits_is_counted_when_it_is_read(scraped: Scraped) -> None:
    waiting = [3]
    scraped.site.count_waiting(lambda: waiting[0])
    assert scraped.read("vtspec_writes_waiting") == 3
    waiting[0] = 0
    assert scraped.read("vtspec_writes_waiting") == 0


def test_workflows_and_spending_are_those_that_were_seen_last(scraped: Scraped) -> None:
    plan = a_plan_of()
    world = World(teams={"vision": {"logins": ["ann"]}})
    at_work = Attempt(
        run=plan.id,
        spec=plan.name,
        plan_id=plan.id,
        digest=plan.digest,
        number=1,
        workflow=WorkflowState(phase="running"),
        team="vision",
        cost=0.5,
    )
    ended = EndedRun(
        run="others-run", team="vision", ended=datetime(2026, 11, 2, tzinfo=UTC), cost=2.0
    )
    before = EndedRun(
        run="others-run", team="vision", ended=datetime(2026, 10, 2, tzinfo=UTC), cost=40.0
    )
    view = replace(world.see(), attempts=(at_work,), ended=(ended, before))
    scraped.site.show(view)
    assert scraped.read("vtspec_workflows", phase="running") == 1
    assert scraped.read("vtspec_spend", team="vision", currency="USD") == 2.5
    scraped.site.show(replace(view, attempts=()))
    assert scraped.read("vtspec_workflows", phase="running") == 0
    assert scraped.read("vtspec_spend", team="vision") == 2.0


def find_rules() -> dict[str, Any]:
    """The controller's alerts, as the chart makes them."""
    (values,) = [one for one in VALUES if one.stem == "production"]
    (rule,) = find_objects(read_golden(values), "PrometheusRule")
    (group,) = [one for one in rule["spec"]["groups"] if one["name"] == "vtspec-controller"]
    assert isinstance(group, dict)
    return group


def exercise(scraped: Scraped) -> None:
    """Have each figure show something."""
    scraped.deliver(BODY)
    scraped.site.note_look(0.3, is_whole=True, is_done=True)
    scraped.site.note_events([0.04])
    scraped.site.count_action("CreateRun", "done")
    scraped.site.count_waiting(lambda: 0)
    scraped.site.show(World(teams={"vision": {"logins": ["ann"]}}).see())


def test_the_alerts_of_the_chart_ask_for_what_is_told(scraped: Scraped) -> None:
    exercise(scraped)
    told: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(scraped.fetch()):
        for sample in family.samples:
            told.setdefault(sample.name, set()).update(sample.labels)
    asked = [
        (match[1], set(re.findall(r"(\w+)=", match[2] or "")))
        for rule in find_rules()["rules"]
        for match in re.finditer(r"(vtspec_\w+)(?:\{([^}]*)\})?", rule["expr"])
    ]
    assert len(asked) == 6
    for name, labels in asked:
        assert labels <= told[name], name
    grouped = {
        label
        for rule in find_rules()["rules"]
        for part in re.findall(r"by \(([^)]*)\)", rule["expr"])
        for label in part.split(", ")
    }
    assert grouped == {"repository", "le"}


def test_the_page_on_pull_requests_lists_every_figure(scraped: Scraped) -> None:
    exercise(scraped)
    page = (ROOT / "docs" / "pull-requests.md").read_text()
    for family in text_string_to_metric_families(scraped.fetch()):
        # When each counter began, which its package tells beside it.
        if family.name.endswith("_created"):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert f"`{name}{{" in page, name


promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed: Debian's prometheus"
)


@promtool
def test_prometheus_reads_the_figures(scraped: Scraped) -> None:
    exercise(scraped)
    text = scraped.fetch().encode()
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@promtool
def test_a_controller_that_looks_no_more_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [find_rules()]}))
    labels = 'repository="acme/vision",scope="everything",outcome='
    looks = [
        {"series": f'vtspec_looks_total{{{labels}"done"}}', "values": "0+1x20 20x40"},
        {"series": f'vtspec_looks_total{{{labels}"failed"}}', "values": "0x20 0+1x40"},
    ]
    name = "VtspecControllerBlind"
    quiet: dict[str, Any] = {"eval_time": "20m", "alertname": name, "exp_alerts": []}
    told = find_rules()["rules"][0]
    alert = {
        "exp_labels": {**told["labels"], "repository": "acme/vision"},
        "exp_annotations": {
            key: text.replace("{{ $labels.repository }}", "acme/vision")
            for key, text in told["annotations"].items()
        },
    }
    loud = {"eval_time": "45m", "alertname": name, "exp_alerts": [alert]}
    case = {"interval": "1m", "input_series": looks, "alert_rule_test": [quiet, loud]}
    (tmp_path / "test.yaml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": [case]})
    )
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yaml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
