import pytest
from django.core.management import call_command

from consent import reports
from consent.models import ConsentEvent, PolicyVersion
from demo.consents import make_consents
from tests.consent.pages import stored

pytestmark = pytest.mark.django_db


def test_the_sample_holds_texts_and_answers_that_verify() -> None:
    make_consents()

    call_command("verify")
    assert PolicyVersion.objects.count() == 3
    event = ConsentEvent.objects.filter(source="admin").get()
    items = reports.consent_of(event.person.name, at=event.recorded_at)
    needed = {item["purpose"]: item["action_needed"] for item in items}
    assert needed["terms"] == "update"  # a material change came after her answer


def test_a_second_start_adds_nothing() -> None:
    make_consents()
    standing = stored()

    make_consents()

    assert stored() == standing
