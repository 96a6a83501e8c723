"""The original's consents, one row per person, become the first events of their chains."""

import datetime
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from access.models import ErasedPerson
from common import locks
from consent import reports
from consent.models import ConsentChain, ConsentEvent, ConsentState
from consent.services.answers import Answer, linked, new_chain, new_event

SYSTEM = "system"


@dataclass(frozen=True)
class ImportedConsent:
    """One row of the original: two yes or no, and when they were said and last changed.

    `row_sha256` is the hash of the line it was read from, kept as evidence.
    """

    user_id: str
    terms_accepted: bool
    marketing_consent: bool
    said_at: datetime.datetime
    changed_at: datetime.datetime
    row_sha256: str

    @property
    def answers(self) -> list[tuple[Answer, datetime.datetime]]:
        """What was said, and when. The original could change the marketing consent alone."""
        evidence = {"row_sha256": self.row_sha256}
        return [
            (
                Answer(purpose="terms", granted=self.terms_accepted, evidence=evidence),
                self.said_at,
            ),
            (
                Answer(purpose="marketing", granted=self.marketing_consent, evidence=evidence),
                self.changed_at,
            ),
        ]


def store_imported(
    consents: Sequence[ImportedConsent], *, at: datetime.datetime, include_erased: bool = False
) -> tuple[Counter[str], set[str]]:
    """Add `imported` events, with the source's times, in one act.

    A purpose that the person has answered here stays as it is, so that an import may be repeated.
    Returns how many events were `imported` and how many stood `unchanged`, and the persons who are
    left out, as they were erased here (unless `include_erased`). No text is invented: the events
    name none.
    """
    counts: Counter[str] = Counter(imported=0, unchanged=0)
    with transaction.atomic():
        locks.lock_persons(*(consent.user_id for consent in consents))
        erased: set[str] = set()
        if not include_erased:
            erased = ErasedPerson.objects.among(consent.user_id for consent in consents)
        consents = [consent for consent in consents if consent.user_id not in erased]
        user_ids = sorted(consent.user_id for consent in consents)
        heads = _locked_chains(user_ids)
        purposes = reports.purposes(at=at, keys=["terms", "marketing"])
        answered = set(
            ConsentState.objects.filter(user_id__in=user_ids).values_list("user_id", "purpose__key")
        )
        rows: list[ConsentEvent] = []
        for consent in consents:
            new = [
                new_event(
                    answer,
                    purposes[answer.purpose],
                    ConsentEvent.Action.IMPORTED,
                    source=ConsentEvent.Source.IMPORT,
                    actor=SYSTEM,
                    at=moment,
                )
                for answer, moment in consent.answers
                if (consent.user_id, answer.purpose) not in answered
            ]
            rows += linked(heads[consent.user_id], new)
            counts["imported"] += len(new)
            counts["unchanged"] += len(consent.answers) - len(new)
        ConsentEvent.objects.bulk_create(rows)
    return counts, erased


def _locked_chains(user_ids: list[str]) -> dict[str, ConsentChain]:
    """The persons' chains by their ids, locked in that order; made where there are none."""
    mine = ConsentChain.objects.filter(user_id__in=user_ids)
    standing = set(mine.values_list("user_id", flat=True))
    ConsentChain.objects.bulk_create(
        [new_chain(user_id) for user_id in user_ids if user_id not in standing],
        ignore_conflicts=True,
    )
    return {head.user_id: head for head in mine.locked().order_by("user_id")}
