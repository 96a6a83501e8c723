"""The original's consents, one row per person, become the first events of their chains."""

import datetime
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from access import actors
from access.models import ErasedPerson
from access.services import persons as access_persons
from common import locks
from consent import reports
from consent.models import ConsentChain, ConsentEvent, ConsentState
from consent.services.answers import ConsentDecision, linked, new_chain, new_event


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
    def answers(self) -> list[tuple[ConsentDecision, datetime.datetime]]:
        """What was said, and when. The original could change the marketing consent alone."""
        evidence = {"row_sha256": self.row_sha256}
        return [
            (
                ConsentDecision(purpose="terms", granted=self.terms_accepted, evidence=evidence),
                self.said_at,
            ),
            (
                ConsentDecision(
                    purpose="marketing", granted=self.marketing_consent, evidence=evidence
                ),
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
        named = [consent.user_id for consent in consents]
        locks.hold_off_erasures()
        erased = set() if include_erased else ErasedPerson.objects.among(named)
        persons = access_persons.lock_persons(*(set(named) - erased))
        consents = [consent for consent in consents if consent.user_id not in erased]
        heads = _locked_chains({one.user_id: persons[one.user_id] for one in consents})
        purposes = reports.purposes(at=at, keys=["terms", "marketing"])
        states = ConsentState.objects.filter(person_id__in=persons.values())
        answered = set(states.values_list("person_id", "purpose__key"))
        rows: list[ConsentEvent] = []
        for consent in consents:
            new = [
                new_event(
                    answer,
                    purposes[answer.purpose],
                    ConsentEvent.Action.IMPORTED,
                    source=ConsentEvent.Source.IMPORT,
                    actor=actors.SYSTEM,
                    at=moment,
                )
                for answer, moment in consent.answers
                if (persons[consent.user_id], answer.purpose) not in answered
            ]
            rows += linked(heads[consent.user_id], new)
            counts["imported"] += len(new)
            counts["unchanged"] += len(consent.answers) - len(new)
        ConsentEvent.objects.bulk_create(rows)
    return counts, erased


def _locked_chains(persons: dict[str, int]) -> dict[str, ConsentChain]:
    """The chains of these persons, whose lock is held, by their ids; made where there are none."""
    mine = ConsentChain.objects.filter(person_id__in=persons.values())
    standing = set(mine.values_list("person_id", flat=True))
    ConsentChain.objects.bulk_create(
        new_chain(user_id, key) for user_id, key in persons.items() if key not in standing
    )
    heads = {head.person_id: head for head in mine.locked().order_by("pk")}
    return {user_id: heads[key] for user_id, key in persons.items()}
