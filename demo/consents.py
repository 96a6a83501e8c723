"""The sample's consents: three texts, and what three persons said about them."""

import datetime
from pathlib import Path

from django.utils import timezone

from consent.models import ConsentEvent, PolicyVersion
from consent.services import answers, texts

TEXTS = Path(__file__).resolve().parent / "consent"
DAY = datetime.timedelta(days=1)
# File, purpose, version, whether the change is material, and how many days ago it was published.
PUBLISHED = (
    ("terms-1.txt", "terms", 1, False, 60),
    ("marketing-1.txt", "marketing", 1, False, 60),
    ("terms-2.txt", "terms", 2, True, 12),
)
# Who, purpose, version (None where none is published), yes or no, how many days ago.
SAID = (
    ("amara.okafor", "terms", 1, True, 41),
    ("amara.okafor", "marketing", 1, True, 41),
    ("amara.okafor", "history_storage", None, True, 41),
    ("jonas-lindqvist", "terms", 1, True, 30),
    ("jonas-lindqvist", "marketing", None, False, 30),
    ("mei.tanaka", "terms", 2, True, 9),
    ("mei.tanaka", "history_storage", None, True, 9),
    ("mei.tanaka", "training_use", None, False, 9),
    ("amara.okafor", "training_use", None, False, 3),
)  # fmt: skip


def make_consents() -> None:
    """Publish the texts and record the answers; nothing where any text is published already."""
    if PolicyVersion.objects.exists():
        return
    now = timezone.now()
    acts = [(days, _publish, rest) for *rest, days in PUBLISHED]
    acts += [(days, _record, rest) for *rest, days in SAID]
    for days, act, rest in sorted(acts, key=lambda one: -one[0]):
        act(*rest, at=now - days * DAY)
    # Said on the phone, and recorded by staff.
    no = answers.ConsentDecision(
        purpose="marketing",
        granted=False,
        method="staff",
        reason="Wants no more messages, ticket 4431",
        evidence={"said": "phone"},
    )
    _answer("amara.okafor", no, ConsentEvent.Source.ADMIN, "staff:dana", now - DAY)


def _publish(
    name: str, purpose: str, version: int, material: bool, *, at: datetime.datetime
) -> None:
    texts.publish_policy(
        purpose=purpose,
        version=version,
        locale="en",
        text=(TEXTS / name).read_text(encoding="utf-8"),
        material=material,
        at=at,
    )


def _record(
    user_id: str, purpose: str, version: int | None, granted: bool, *, at: datetime.datetime
) -> None:
    method = "checkbox" if granted else "button"
    answer = answers.ConsentDecision(
        purpose=purpose, granted=granted, version=version, method=method
    )
    _answer(user_id, answer, ConsentEvent.Source.API, "key:web", at)


def _answer(
    user_id: str, answer: answers.ConsentDecision, source: str, actor: str, at: datetime.datetime
) -> None:
    answers.record_answers(user_id=user_id, answers=[answer], source=source, actor=actor, at=at)
