"""What `manage.py verify` derives anew of the cache."""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Count, F, Func, Sum, TextField, Value
from django.db.models.functions import Cast, Coalesce, Concat, StrIndex

from common.declarations import Check
from querycache.models import CacheEntry, Namespace
from querycache.services.tidying import size_of

# How far over a cap a namespace may be for a moment, while many write at once.
TOLERANCE = 1.1
MADE_BY = "querycache.migrations.0004_person"


class ByteLength(Func):
    """How many bytes a text takes in UTF-8."""

    function = "OCTET_LENGTH"
    output_field = BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="LENGTH(CAST(%(expressions)s AS BLOB))", **context
        )


def _sizes() -> Iterator[str]:
    counted = {
        row["namespace"]: {name: row[name] for name in ("entries", "bytes", "ttl")}
        for row in CacheEntry.objects.order_by()
        .values("namespace")
        .annotate(entries=Count("pk"), bytes=Sum("byte_size"), ttl=Sum("ttl_seconds"))
    }
    nothing = {"entries": 0, "bytes": 0, "ttl": 0}
    for namespace in Namespace.objects.order_by("pk"):
        size = size_of(namespace)
        told = {"entries": size.entries, "bytes": size.bytes, "ttl": size.ttl_seconds}
        found = counted.get(namespace.pk, nothing)
        if told != found:
            yield (
                f"namespace {namespace.name}: it tells of {told['entries']} entries of"
                f" {told['bytes']} bytes and {told['ttl']} s in all, there are"
                f" {found['entries']} of {found['bytes']} bytes and {found['ttl']} s"
            )


def _byte_sizes() -> Iterator[str]:
    entries = CacheEntry.objects.annotate(
        found=ByteLength("result")
        + ByteLength("query")
        + Coalesce(ByteLength(Cast("context", TextField())), 0)
    )
    wrong = entries.exclude(found=F("byte_size")).values_list("pk", "byte_size", "found")
    for pk, byte_size, found in wrong.iterator():
        yield f"cache entry #{pk}: it tells of {byte_size} bytes, its texts have {found}"


def _caps() -> Iterator[str]:
    for namespace in Namespace.objects.order_by("pk"):
        size = size_of(namespace)
        if size.entries > namespace.max_entries * TOLERANCE:
            yield (
                f"namespace {namespace.name}: {size.entries} entries, at most"
                f" {namespace.max_entries}; run maintain"
            )
        if size.bytes > namespace.max_bytes * TOLERANCE:
            yield (
                f"namespace {namespace.name}: {size.bytes} bytes, at most"
                f" {namespace.max_bytes}; run maintain"
            )


def _models() -> Iterator[str]:
    """An entry that does not carry its model would outlive the invalidation of the model."""
    # As the tags' JSON has it. Where that needs escaping the entry is among the suspects, too.
    mark = Concat(Value('"model:'), "model", Value('"'))
    suspects = CacheEntry.objects.annotate(
        place=Coalesce(StrIndex(Cast("tags", TextField()), mark), 0)
    ).filter(place=0)
    made = suspects.exclude(model="").values_list("pk", "model", "tags")
    for pk, model, tags in made.iterator():
        if f"model:{model}" not in (tags or ()):
            yield f"cache entry #{pk}: no invalidation of the model {model} reaches it"


def _read_function() -> Iterator[str]:
    """PostgreSQL: somebody could put another into its place, that serves what it may not."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT prosrc, proconfig, prosecdef, quote_ident(current_schema()) FROM pg_proc"
            " WHERE proname = 'querycache_read' AND pronamespace = current_schema()::regnamespace"
        )
        rows = cursor.fetchall()
    [body] = re.findall(r"AS \$\$(.*)\$\$", import_module(MADE_BY).FUNCTION, re.DOTALL)
    schema = rows[0][3] if rows else ""
    if [row[:3] for row in rows] != [(body, [f"search_path={schema}, pg_temp"], False)]:
        yield f"the function querycache_read is not that of the migration {MADE_BY}"


CHECKS = [
    Check("querycache.sizes", "Namespaces are as large as their entries", _sizes),
    Check("querycache.byte_sizes", "Entries have the bytes of their texts", _byte_sizes),
    Check("querycache.caps", "Namespaces keep within a tenth of their caps", _caps),
    Check("querycache.read", "Answers are read by the function that was made", _read_function),
    Check("querycache.models", "Entries are reached by their model", _models),
]
