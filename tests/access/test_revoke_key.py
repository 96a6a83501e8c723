import pytest
from django.utils import timezone

from access import errors
from access.models import ApiKey
from access.services import keys

pytestmark = pytest.mark.django_db


def create(name: str) -> ApiKey:
    return keys.create_key(
        name=name, scopes=["billing:read"], actor="system", at=timezone.now()
    ).row


class TestRevoking:
    def test_says_when_a_key_ended(self) -> None:
        row = create("application")
        assert row.state == "active"

        (revoked,) = keys.revoke_key(name="application", at=timezone.now())

        row.refresh_from_db()
        assert revoked == row
        assert row.revoked_at == revoked.revoked_at is not None
        assert row.state == "revoked"

    @pytest.mark.parametrize("name", ["nobody", "", "APPLICATION"])
    def test_is_refused_for_a_name_that_no_key_has(self, name: str) -> None:
        row = create("application")

        with pytest.raises(errors.KeyNotFound):
            keys.revoke_key(name=name, at=timezone.now())

        row.refresh_from_db()
        assert row.revoked_at is None

    def test_is_refused_a_second_time(self) -> None:
        create("application")
        revoked_at = keys.revoke_key(name="application", at=timezone.now())[0].revoked_at

        with pytest.raises(errors.KeyNotFound):
            keys.revoke_key(name="application", at=timezone.now())

        assert ApiKey.objects.get().revoked_at == revoked_at

    def test_changes_nothing_else(self) -> None:
        create("application")
        before = ApiKey.objects.values().get()

        (row,) = keys.revoke_key(name="application", at=timezone.now())

        assert ApiKey.objects.values().get() == before | {"revoked_at": row.revoked_at}
