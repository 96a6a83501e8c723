"""`verify` finds whatever was changed behind the cache's back, and nothing else."""

import contextlib
import io
from collections.abc import Callable

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from common import declarations
from querycache.models import CacheEntry, CacheSize, Namespace
from tests.client import ApiClient
from tests.querycache import cache

pytestmark = pytest.mark.django_db


def problems() -> dict[str, list[str]]:
    """The sentences of each check that found something."""
    out = io.StringIO()
    with contextlib.suppress(CommandError, SystemExit):
        call_command("verify", json=True, stdout=out)
    checks = orjson.loads(out.getvalue())["checks"]
    return {check["name"]: check["first"] for check in checks if check["problems"]}


@pytest.fixture(autouse=True)
def stored(person: ApiClient) -> None:
    missed = cache.look_up(person, {"query": "é", "context": {"ü": [1.0, None]}})
    cache.store(person, missed["key"], "ä", lease=missed["lease"]["token"], model="one")
    cache.store(person, tags=["a"])
    cache.store(person, namespace="other")
    person.delete(cache.entry_path(namespace="other"))


def test_a_sound_cache_is_clean(person: ApiClient) -> None:
    cache.store(person, model='one "of\\ té', tags=["a"])  # which JSON escapes

    assert problems() == {}


@pytest.mark.parametrize(
    ("harm", "check", "sentence"),
    [
        (
            lambda: CacheSize.objects.filter(entries=1).first().delete(),  # type: ignore[union-attr]
            "querycache.sizes",
            "namespace default: it tells of 1 entries",
        ),
        (
            lambda: CacheEntry.objects.filter(model="one").update(byte_size=F("byte_size") + 1),
            "querycache.byte_sizes",
            "bytes, its texts have",
        ),
        (
            lambda: Namespace.objects.filter(name="default").update(max_entries=1),
            "querycache.caps",
            "namespace default: 2 entries, at most 1; run maintain",
        ),
        (
            lambda: Namespace.objects.update(max_entry_bytes=1, max_bytes=5),
            "querycache.caps",
            "at most 5; run maintain",
        ),
        (
            lambda: CacheEntry.objects.filter(model="one").update(tags=None),
            "querycache.models",
            "no invalidation of the model one reaches it",
        ),
    ],
)
def test_what_was_changed_is_named(harm: Callable[[], object], check: str, sentence: str) -> None:
    harm()

    found = problems()

    assert set(found) == {check}
    assert sentence in found[check][0]


REPLACED = {
    "that another has replaced": "CREATE OR REPLACE FUNCTION {} RETURNS {} LANGUAGE plpgsql STABLE"
    " SET search_path = public, pg_temp AS $$ BEGIN END $$",
    "that pins no search_path": "ALTER FUNCTION {} RESET search_path",
    "that is gone": "DROP FUNCTION {}",
}


@pytest.mark.django_db
@pytest.mark.parametrize("statement", REPLACED.values(), ids=REPLACED)
def test_a_function_is_found(statement: str) -> None:
    [check] = [check for check in declarations.checks() if check.name == "querycache.read"]
    assert list(check.find()) == []
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT oid::regprocedure::text, pg_get_function_result(oid) FROM pg_proc"
            " WHERE proname = 'querycache_read'"
        )
        name, result = cursor.fetchone()
        cursor.execute(
            "SELECT pg_get_function_identity_arguments(oid) FROM pg_proc"
            " WHERE proname = 'querycache_read'"
        )
        [arguments] = cursor.fetchone()
        named = f"querycache_read({arguments})" if "REPLACE" in statement else name
        cursor.execute(statement.format(named, result))

    assert list(check.find()) == [
        "the function querycache_read is not that of the migration"
        " querycache.migrations.0004_person"
    ]
