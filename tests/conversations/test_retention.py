import datetime
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from access.models import ApiKey
from conversations.models import Conversation, Message
from conversations.services import legal_hold, retention
from operations.models import MaintenanceRun
from tests.asserts import stored
from tests.client import ApiClient
from tests.conversations.recipes import make_conversations

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def a_year(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "CONVERSATION_RETENTION_DAYS", 365)


def idle_for(days: float, person: ApiClient, *words: str, **columns: Any) -> Conversation:
    """A conversation that says these words, with its last activity so long ago."""
    messages = [{"role": "user", "content": word} for word in words]
    uid = person.post("/conversations", {"title": "Heat", "messages": messages}).json()["id"]
    moment = timezone.now() - days * DAY
    Conversation.objects.filter(uid=uid).update(updated_at=moment, **columns)
    return Conversation.objects.get(uid=uid)


def maintain(*arguments: str) -> None:
    call_command("maintain", "--task", "conversations.retention", *arguments)


def left() -> list[int]:
    return list(Conversation.objects.order_by("pk").values_list("pk", flat=True))


class TestRetention:
    def test_deletes_what_is_idle_for_longer(self, person: ApiClient) -> None:
        idle_for(366, person, "pump", "oven")
        kept = idle_for(364, person, "boiler")

        maintain()

        assert left() == [kept.pk]
        assert [message.content for message in Message.objects.all()] == ["boiler"]
        assert MaintenanceRun.objects.get().items == 1

    def test_takes_archived_ones_too(self, person: ApiClient) -> None:
        idle_for(366, person, "pump", archived_at=timezone.now())

        maintain()

        assert left() == []

    def test_leaves_nothing_to_find(self, person: ApiClient) -> None:
        idle_for(366, person, "pump")

        maintain()

        assert person.get("/conversations/search?q=pump").json()["count"] == 0
        call_command("verify")

    def test_passes_a_legal_hold_by(self, person: ApiClient) -> None:
        held = idle_for(999, person, "pump")
        idle_for(999, person, "oven")
        legal_hold.place_legal_hold(
            conversation=held, reason="Case 7", actor="staff:dana", at=timezone.now()
        )

        maintain()

        assert left() == [held.pk]
        assert [message.content for message in Message.objects.all()] == ["pump"]

    def test_is_off_by_default(self, person: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "CONVERSATION_RETENTION_DAYS", 0)
        idle_for(9999, person, "pump")
        before = stored()

        maintain()

        assert stored() == before

    def test_that_is_only_tried_deletes_nothing(
        self, person: ApiClient, capsys: pytest.CaptureFixture[str]
    ) -> None:
        idle_for(366, person, "pump")
        idle_for(1, person, "oven")
        before = stored()

        maintain("--dry-run")

        assert capsys.readouterr().out.split()[:2] == ["1", "conversations.retention"]
        assert stored() == before

    def test_works_in_batches_of_bounded_size(
        self, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "BATCH_MESSAGES", 3)
        for _ in range(5):
            idle_for(366, person, "pump", "oven")
        now = timezone.now()

        batch = retention._delete_idle_batch(now, 5)
        limited = retention.delete_idle(idle_since=now, limit=2)

        assert (batch, limited) == (1, 2)
        assert len(left()) == 2
        maintain()
        assert left() == []

    def test_of_many_deletes_all(self) -> None:
        old = timezone.now() - 400 * DAY
        make_conversations(1203, created_at=old, updated_at=old)

        maintain()

        assert left() == []
        assert MaintenanceRun.objects.get().items == 1203


class TestUnusedKeys:
    def test_are_counted_and_left_as_they_are(self, key: str) -> None:
        now = timezone.now()
        ages = {"never": (100, None), "long ago": (300, 91), "lately": (300, 89), "new": (2, None)}
        for name, (made, used) in ages.items():
            ApiKey.objects.create(
                name=name,
                prefix=name,
                key_hash=name,
                created_at=now - made * DAY,
                last_used_at=None if used is None else now - used * DAY,
            )
        ApiKey.objects.create(
            name="revoked",
            prefix="revoked",
            key_hash="revoked",
            created_at=now - 300 * DAY,
            revoked_at=now,
        )
        before = list(ApiKey.objects.order_by("pk").values())

        call_command("maintain", "--task", "access.unused_keys")

        assert MaintenanceRun.objects.get().items == 2
        assert list(ApiKey.objects.order_by("pk").values()) == before
