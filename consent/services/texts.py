"""Purposes, and the texts that are published for them."""

import datetime
import hashlib
import re

from django.db import transaction

from consent import errors
from consent.models import VERSION_MAX, ConsentEvent, PolicyVersion, Purpose

# key, title, required
DEFAULT_PURPOSES = (
    ("terms", "Terms of use", True),
    ("privacy", "Privacy policy", True),
    ("marketing", "Marketing messages", False),
    ("history_storage", "Keeping conversations", False),
    ("shared_cache", "Sharing answers with others", False),
    ("training_use", "Use of conversations for training", False),
)
LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
LOCALE_MAX_LENGTH = 20


def ensure_purposes() -> None:
    """Make the default purposes that are missing."""
    standing = set(Purpose.objects.values_list("key", flat=True))
    for key, title, required in DEFAULT_PURPOSES:
        if key not in standing:
            Purpose.objects.create(key=key, title=title, required=required)


def canonical_locale(locale: str) -> str:
    """`pt-BR` for `PT-br`: as RFC 5646, 2.1.1 writes it, so that one language has one name."""
    language, *rest = locale.split("-")
    cases = {2: str.upper, 4: str.title}
    return "-".join([language.lower(), *(cases.get(len(one), str.lower)(one) for one in rest)])


def save_purpose(*, purpose: Purpose) -> Purpose:
    """Make a purpose, or change it: what was answered stays as it is, with the end it was given."""
    purpose.save()
    return purpose


@transaction.atomic
def delete_purpose(*, purpose: Purpose) -> None:
    """Remove a purpose that nobody was asked for: no text and no event.

    Raises PurposeInUse.
    """
    standing = Purpose.objects.select_for_update().get(pk=purpose.pk)
    texts = PolicyVersion.objects.filter(purpose=standing)
    if texts.exists() or ConsentEvent.objects.filter(purpose=standing).exists():
        raise errors.PurposeInUse("It has texts or answers, which stay. It cannot be deleted.")
    standing.delete()


def normalised(text: str) -> str:
    """The text as it is stored and hashed: as it came, but lines end with LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def publish_policy(
    *,
    purpose: str,
    version: int,
    locale: str,
    text: str,
    material: bool = False,
    at: datetime.datetime,
) -> tuple[PolicyVersion, bool]:
    """Publish a text; from then on nothing in it changes.

    Returns the text and whether it is new: the same text under the same version is published once.
    Raises PurposeUnknown, PolicyInvalid, and PolicyVersionTaken when the version has another text
    or is not above the one that is current in this locale.
    """
    text = normalised(text)
    _require_publishable(text, locale, version)
    locale = canonical_locale(locale)
    row = PolicyVersion(
        purpose_id=purpose,
        version=version,
        locale=locale,
        text=text,
        text_sha256=hashlib.sha256(text.encode()).hexdigest(),
        material=material,
        published_at=at,
    )
    with transaction.atomic():
        # One publication at a time for a purpose.
        if not Purpose.objects.select_for_update(no_key=True).filter(key=purpose).exists():
            known = ", ".join(Purpose.objects.order_by("id").values_list("key", flat=True))
            raise errors.PurposeUnknown(f"There is no purpose {purpose!r}. There are: {known}.")
        standing = PolicyVersion.objects.filter(purpose__key=purpose, locale=locale)
        latest = standing.order_by("-version").first()
        if latest is None or latest.version < version:
            row.save(force_insert=True)
            return row, True
        same = standing.filter(version=version, text_sha256=row.text_sha256, material=material)
        published = same.first()
    if published is None:
        raise errors.PolicyVersionTaken(
            f"Version {latest.version} of {purpose!r} is current in {locale}, and published texts"
            f" never change. Publish this one as version {latest.version + 1}.",
            current_version=latest.version,
        )
    return published, False


def _require_publishable(text: str, locale: str, version: int) -> None:
    if not text.strip() or "\x00" in text:
        raise errors.PolicyInvalid("A text to agree to is not empty and holds no NUL character.")
    if not LOCALE.fullmatch(locale) or len(locale) > LOCALE_MAX_LENGTH:
        raise errors.PolicyInvalid(f"{locale!r} is no locale; one is such as en or pt-BR.")
    if not 1 <= version <= VERSION_MAX:
        raise errors.PolicyInvalid("A version is a whole number from 1.")
