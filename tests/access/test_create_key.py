import base64
import hashlib
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from access import errors
from access.models import ApiKey
from access.scopes import SCOPES
from access.services import keys as access_keys

pytestmark = pytest.mark.django_db


def create(name: str = "application", **options: Any) -> access_keys.NewKey:
    return access_keys.create_key(
        **{
            "name": name,
            "scopes": ["billing:read"],
            "actor": "system",
            "at": timezone.now(),
        }
        | options
    )


class TestANewKey:
    def test_is_stored_as_its_hash_alone(self) -> None:
        new = create()
        secret = new.key.removeprefix(f"stw_{new.row.prefix}_")

        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM access_apikey")
            stored = repr(cursor.fetchall())

        assert len(secret) > 40
        assert secret not in stored
        assert hashlib.sha256(new.key.encode()).hexdigest() in stored

    def test_has_256_random_bits_beside_its_prefix(self) -> None:
        keys = [create(f"application {number}") for number in range(50)]

        secrets = {base64.urlsafe_b64decode(new.key[-43:] + "=") for new in keys}
        assert len(secrets) == 50
        assert {len(secret) for secret in secrets} == {32}
        assert all(new.key == f"stw_{new.row.prefix}_{new.key[-43:]}" for new in keys)
        assert len({new.row.prefix for new in keys}) == 50

    def test_says_who_made_it_and_what_it_may_do(self) -> None:
        before = timezone.now()

        create(scopes=["cache:read", "billing:read", "cache:read"], actor="staff:ann")

        row = ApiKey.objects.get()
        assert row.scopes == ["billing:read", "cache:read"]
        assert (row.created_by, row.last_used_at, row.revoked_at) == ("staff:ann", None, None)
        assert before <= row.created_at <= timezone.now()

    def test_takes_its_scopes_from_anything_that_gives_them(self) -> None:
        create(scopes=(scope for scope in ["billing:read", "cache:read"]))

        assert ApiKey.objects.get().scopes == ["billing:read", "cache:read"]

    def test_may_have_each_scope(self) -> None:
        create(scopes=SCOPES)

        assert ApiKey.objects.get().scopes == [
            "conversations:read",
            "conversations:write",
            "billing:read",
            "billing:charge",
            "billing:manage",
            "consent:read",
            "consent:write",
            "cache:read",
            "cache:write",
            "cache:manage",
            "persons:read",
            "persons:write",
            "privacy:manage",
        ]

    @pytest.mark.parametrize("scopes", [[], ["billing:steal"], ["billing:read", "all"], [""]])
    def test_is_refused_with_a_scope_that_is_none(self, scopes: list[str]) -> None:
        with pytest.raises(errors.KeyInvalid):
            create(scopes=scopes)

        assert not ApiKey.objects.exists()

    @pytest.mark.parametrize("name", ["a", "a" * 100, "Web app: v2 @日本"])
    def test_may_be_called(self, name: str) -> None:
        assert create(name).row.name == name

    @pytest.mark.parametrize("name", ["", "a" * 101, "a\nb", "a\n", "a\0", "a\x1b[0m", "<b>"])
    def test_may_not_be_called(self, name: str) -> None:
        with pytest.raises(errors.KeyInvalid):
            create(name)

        assert not ApiKey.objects.exists()


class TestAName:
    def test_is_refused_while_an_unrevoked_key_has_it(self) -> None:
        first = create()

        with pytest.raises(errors.KeyNameTaken):
            create()

        assert list(ApiKey.objects.all()) == [first.row]

    def test_is_refused_while_an_expired_key_has_it(self) -> None:
        first = create(expires_at=timezone.now())

        with pytest.raises(errors.KeyNameTaken):
            create()

        assert list(ApiKey.objects.all()) == [first.row]

    def test_may_be_used_again_after_the_revocation(self) -> None:
        create()
        access_keys.revoke_key(name="application", at=timezone.now())

        second = create()

        assert ApiKey.objects.count() == 2
        assert ApiKey.objects.get(revoked_at=None) == second.row

    def test_may_be_used_again_after_any_number_of_revocations(self) -> None:
        for _ in range(3):
            create()
            access_keys.revoke_key(name="application", at=timezone.now())

        assert ApiKey.objects.exclude(revoked_at=None).count() == 3

    def test_is_held_by_a_constraint(self) -> None:
        row = create().row
        row.pk, row.prefix = None, "another"

        with pytest.raises(IntegrityError), transaction.atomic():
            row.save(force_insert=True)

        assert ApiKey.objects.count() == 1
