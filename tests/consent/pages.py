"""What the tests of the admin's pages share: staff, texts, and what persons said."""

import datetime
import re
import uuid
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from access.models import StaffAction
from consent.models import ConsentChain, ConsentEvent, ConsentState, PolicyVersion, Purpose
from consent.services import answers, texts

CONSENT = "/admin/consent/"
PERSONS = f"{CONSENT}consentchain/"
EVENTS = f"{CONSENT}consentevent/"
TEXTS = f"{CONSENT}policyversion/"
PURPOSES = f"{CONSENT}purpose/"
VIEWS = ("view_consentchain", "view_consentevent", "view_policyversion", "view_purpose")
DAY = datetime.timedelta(days=1)


def staff(*permissions: str) -> Client:
    user = User.objects.create_user(f"staff{User.objects.count()}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def publish(
    version: int = 1,
    text: str = "We send mail.\n",
    *,
    purpose: str = "marketing",
    locale: str = "en",
    material: bool = False,
    at: datetime.datetime | None = None,
) -> PolicyVersion:
    return texts.publish_policy(
        purpose=purpose, version=version, locale=locale, text=text, material=material,
        at=at or timezone.now(),
    )[0]  # fmt: skip


def say(
    granted: bool,
    *,
    purpose: str = "marketing",
    version: int | None = None,
    user_id: str = "ann",
    at: datetime.datetime | None = None,
    **more: Any,
) -> ConsentEvent:
    """The person says yes or no in the application."""
    answer = answers.ConsentDecision(purpose=purpose, granted=granted, version=version, **more)
    answers.record_answers(
        user_id=user_id, answers=[answer], source="api", actor="key:web", at=at or timezone.now()
    )
    return ConsentEvent.objects.filter(person__user_id=user_id).order_by("-sequence")[0]


def page_of(user_id: str = "ann") -> str:
    return f"{PERSONS}{ConsentChain.objects.get(person__user_id=user_id).pk}/change/"


def form(**values: Any) -> dict[str, Any]:
    return {"token": uuid.uuid4().hex} | values


def text_of(response: Any) -> str:
    """What a page says, without its marks."""
    content = re.sub(r"<(script|style).*?</\1>", "", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", content))


def stored() -> list[Any]:
    """Everything that an act can change."""
    models = (Purpose, PolicyVersion, ConsentChain, ConsentEvent, ConsentState, StaffAction)
    return [list(model._default_manager.order_by("pk").values()) for model in models]
