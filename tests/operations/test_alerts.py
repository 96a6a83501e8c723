"""The document of the metrics, the alerts, the dashboard: each number in them is one of /metrics.

Where Prometheus' own `promtool` is installed, it reads them too, and raises the alerts.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.db import connection
from django.utils import timezone

from common.metrics import make_all
from operations import metrics, stored
from operations.maintenance import BACKUP
from operations.models import MaintenanceRun

pytestmark = pytest.mark.django_db

ROOT = Path(settings.BASE_DIR)
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD: Any = json.loads((ROOT / "deploy" / "grafana" / "steward.json").read_text())
MONITORING = (ROOT / "docs" / "monitoring.md").read_text()
RULES: Any = [
    rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
]
EXPRESSIONS = {
    "alerts": [rule["expr"] for rule in RULES],
    "dashboard": [
        target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())
    ],
}
# What Prometheus adds to every number, and what a histogram's buckets have.
ADDED_LABELS = {"job", "instance", "le"}
ROW = re.compile(r"^\|([^|]*`steward_[^|]*)\|([^|]*)\|", re.M)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """The labels of each metric at /metrics."""
    monkeypatch.setattr(stored, "FRESH_SECONDS", -1.0)
    make_all()
    MaintenanceRun.objects.create(
        task=BACKUP, started_at=timezone.now(), duration_seconds=1, items=1
    )
    counted: Any = metrics.registry()._collector_to_names
    return {
        metric._name + ("_total" if metric._type == "counter" else ""): set(metric._labelnames)
        for metric in counted
    } | {
        # Some have no sample on this engine.
        name: labels
        for family in metrics._read_now.collect()
        for name, labels in [
            (family.name, set()),
            *((sample.name, set(sample.labels)) for sample in family.samples),
        ]
    }


class TestTheDocument:
    def test_names_every_metric_with_its_labels_and_no_other(
        self, shown: dict[str, set[str]]
    ) -> None:
        described = {
            name: set(re.findall(r"\w+", labels))
            for names, labels in ROW.findall(MONITORING)
            for name in re.findall(r"`(steward_\w+)`", names)
        }

        assert described == shown


@pytest.mark.parametrize("where", EXPRESSIONS)
class TestEveryExpression:
    def test_asks_for_metrics_that_there_are(self, where: str, shown: dict[str, set[str]]) -> None:
        sampled = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names(where)}

        assert sampled and sampled <= set(shown)

    def test_tells_them_apart_by_labels_that_they_have(
        self, where: str, shown: dict[str, set[str]]
    ) -> None:
        for expression in EXPRESSIONS[where]:
            used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", expression))
            for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
                used |= set(grouped.split(", "))
            named = [shown[re.sub("_bucket$", "", name)] for name in found_in(expression)]
            assert used <= ADDED_LABELS.union(*named), expression

    def test_is_read_by_prometheus(self, where: str, tmp_path: Path) -> None:
        rules = [
            {"record": f"a:{number}", "expr": expression.replace("$__rate_interval", "5m")}
            for number, expression in enumerate(EXPRESSIONS[where])
        ]
        file = tmp_path / "rules.yml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))

        assert_prometheus_agrees("check", "rules", str(file))


def found_in(expression: str) -> list[str]:
    return re.findall(r"\bsteward_\w+", expression)


def names(where: str) -> set[str]:
    return {name for expression in EXPRESSIONS[where] for name in found_in(expression)}


def assert_prometheus_agrees(*arguments: str) -> None:
    """Where promtool is installed. Debian's package is `prometheus`."""
    program = shutil.which("promtool")
    if program is not None:
        done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


class TestAlerts:
    def test_say_what_is_wrong_and_what_to_do(self) -> None:
        assert len({rule["alert"] for rule in RULES}) == len(RULES)
        for rule in RULES:
            assert rule["labels"]["severity"] in ("page", "ticket")
            assert set(rule["annotations"]) == {"summary", "description"}

    def test_are_raised_by_what_they_are_for_and_by_nothing_else(self) -> None:
        if connection.vendor == "sqlite":  # once is enough
            assert_prometheus_agrees("check", "rules", str(ALERTS))
            assert_prometheus_agrees("test", "rules", "tests/operations/alerts_test.yml")

    def test_are_all_tried(self) -> None:
        tried = (ROOT / "tests" / "operations" / "alerts_test.yml").read_text()

        for rule in RULES:
            assert f'alertname="{rule["alert"]}"' in tried, rule["alert"]


class TestTheDashboard:
    def test_shows_every_metric(self, shown: dict[str, set[str]]) -> None:
        sampled = {re.sub(r"_bucket$", "", name) for name in names("dashboard")}

        assert sampled == set(shown)

    def test_can_be_imported_anywhere(self) -> None:
        assert "id" not in DASHBOARD  # Grafana gives it one
        numbers = [panel["id"] for panel in DASHBOARD["panels"]]
        assert len(set(numbers)) == len(numbers)
        for panel in DASHBOARD["panels"]:
            if panel["type"] != "row":
                assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
                assert panel["title"] and panel["targets"]
