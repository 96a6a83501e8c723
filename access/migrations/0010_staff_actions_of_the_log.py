"""What staff did was a line of the admin's log, with the mark of its form: now a row of its own."""

import re
from itertools import groupby

from django.db import migrations

from access.migrating import triggers_off
from common.privacy import possible_ids

BATCH_ROWS, BATCH_IDS = 1_000, 10_000
MARK = re.compile(r"(?s)(?P<said>.*) \(form (?P<token>[0-9a-f]{32})\.(?P<hash>[0-9a-f]{0,16})\)")
REASON, STAFF = " Reason: ", "staff:"
# Of what is ours, lines without a mark go over as well: the log keeps those of Django's tables.
OURS = {"access", "billing", "consent", "conversations", "querycache", "operations"}
OF_PERSONS = {
    ("billing", "creditaccount"), ("billing", "credithold"), ("billing", "credittransaction"),
    ("conversations", "conversation"), ("consent", "consentchain"), ("querycache", "cacheentry"),
}  # fmt: skip
# What a line cannot say otherwise, kept in it where this migration is undone: the action, the person
# by key and beginning (another may have the key, where their migration is undone as well), the hash.
KEPT = re.compile(r"#\S* (?P<action>\w+\.\w+) (?P<key>\d+|-) (?P<since>\S+) (?P<hash>[0-9a-f]*)")
# How the line of an action began.
ACTIONS = {
    "Granted": "billing.grant", "Recorded a purchase": "billing.purchase",
    "Adjusted": "billing.adjust", "Refunded": "billing.refund", "Released": "billing.release",
    "Changed the tier": "billing.tier", "Set the": "billing.limits", "Froze": "billing.freeze",
    "Unfroze": "billing.unfreeze", "Placed": "conversations.hold", "Lifted": "conversations.lift",
    "Recorded": "consent.record", "Published": "consent.publish",
    "Stands already": "consent.publish", "Expired": "querycache.expire",
}  # fmt: skip
CHANGE = 2


def forwards(apps, schema_editor):
    log = apps.get_model("admin", "LogEntry").objects.order_by("pk")
    last = 0
    with triggers_off(schema_editor, "access_staffaction"):
        while batch := list(log.filter(pk__gt=last).select_related("user", "content_type")[:BATCH_ROWS]):
            last = batch[-1].pk
            found = {line.pk: MARK.fullmatch(line.change_message) for line in batch}
            moving = [line for line in batch if found[line.pk] or about(line)[0] in OURS]
            kept = {line.pk: KEPT.fullmatch(line.object_repr) for line in moving}
            persons = persons_of(apps, moving) | persons_kept(apps, kept)
            made = [row_of(apps, line, found[line.pk], kept[line.pk], persons) for line in moving]
            rows = apps.get_model("access", "StaffAction").objects
            # Those that a step back has left where they were.
            tokens = [row.token for row in made]
            standing = set(rows.filter(token__in=tokens).values_list("token", flat=True))
            new = rows.bulk_create([row for row in made if row.token not in standing])
            note_mentions(apps, new)
            log.filter(pk__in=[line.pk for line in moving]).delete()


def about(line):
    kind = line.content_type
    return (kind.app_label, kind.model) if kind else ("", "")


def persons_of(apps, lines):
    """The person's key by the line's, where the row that the line is about stands."""
    found = {}
    lines = sorted((line for line in lines if about(line) in OF_PERSONS), key=about)
    for name, same in groupby(lines, key=about):
        keys = {line.pk: int(line.object_id) for line in same if (line.object_id or "").isdigit()}
        rows = apps.get_model(*name).objects.filter(pk__in=set(keys.values()))
        owners = dict(rows.values_list("pk", "person_id"))
        found |= {line: owners.get(key) for line, key in keys.items()}
    return found


def persons_kept(apps, kept):
    """The person's key by the line's, where the line says it of a person who is the same now."""
    said = {line: (int(one["key"]), one["since"]) for line, one in kept.items() if one and one["key"] != "-"}
    rows = apps.get_model("access", "Person").objects.filter(pk__in={key for key, _ in said.values()})
    there = {(key, at.isoformat()) for key, at in rows.values_list("pk", "first_seen_at")}
    return {line: one[0] for line, one in said.items() if one in there}


def row_of(apps, line, mark, kept, persons):
    said = mark["said"] if mark else line.change_message
    sentence, _, reason = said.partition(REASON)
    app_label, model_name = about(line)
    names = (name for words, name in ACTIONS.items() if said.startswith(words))
    return apps.get_model("access", "StaffAction")(
        token=mark["token"] if mark else f"{line.pk:032x}",
        request_hash=kept["hash"] if kept else mark["hash"] if mark else "",
        actor=f"{STAFF}{line.user.username}",
        action=kept["action"] if kept else next(names, f"{app_label}.{model_name}"),
        app_label=app_label,
        model_name=model_name,
        object_id=line.object_id or "",
        person_id=persons.get(line.pk),
        reason=reason,
        sentence=sentence,
        at=line.action_time,
    )


def note_mentions(apps, rows):
    """Whom the words name besides the person whose row it is."""
    ids = {row: possible_ids(f"{row.reason}\n{row.sentence}") for row in rows}
    persons = keys_of(apps, sorted(set().union(*ids.values())))
    apps.get_model("access", "StaffActionMention").objects.bulk_create(
        apps.get_model("access", "StaffActionMention")(action_id=row.pk, person_id=key)
        for row, names in ids.items()
        for key in {persons[name] for name in names if name in persons} - {row.person_id}
    )


def keys_of(apps, names):
    """The keys of persons by the ids that they have, or had before."""
    found = {}
    for start in range(0, len(names), BATCH_IDS):
        some = names[start : start + BATCH_IDS]
        moves = apps.get_model("access", "PersonMove").objects.filter(moved_from__in=some)
        persons = apps.get_model("access", "Person").objects.filter(user_id__in=some)
        living = moves.filter(person__user_id__isnull=False)
        found |= dict(living.values_list("moved_from", "person_id"))
        found |= dict(persons.values_list("user_id", "pk"))
    return found


def backwards(apps, schema_editor):
    """Write the lines again. The rows stay until their table goes, so that none is made twice."""
    users = dict(apps.get_model("auth", "User").objects.values_list("username", "pk"))
    types = {
        (kind.app_label, kind.model): kind.pk
        for kind in apps.get_model("contenttypes", "ContentType").objects.all()
    }
    model = apps.get_model("admin", "LogEntry")
    rows = apps.get_model("access", "StaffAction").objects.order_by("pk")
    last = 0
    while batch := list(rows.filter(pk__gt=last)[:BATCH_ROWS]):
        last = batch[-1].pk
        people = apps.get_model("access", "Person").objects.in_bulk({row.person_id for row in batch})
        made = [(row, users.get(row.actor.removeprefix(STAFF))) for row in batch]
        model.objects.bulk_create(
            line_of(model, row, user, types.get((row.app_label, row.model_name)), people)
            for row, user in made
            if user is not None and row.actor.startswith(STAFF)
        )


def line_of(model, row, user_id, content_type_id, people):
    person = people.get(row.person_id)
    whose = f"{person.pk} {person.first_seen_at.isoformat()}" if person else "- -"
    said = row.sentence + (f"{REASON}{row.reason}" if row.reason else "")
    had_mark = bool(row.request_hash) or int(row.token, 16) >= 2**62
    return model(
        pk=None if had_mark else int(row.token, 16),
        user_id=user_id,
        content_type_id=content_type_id,
        object_id=row.object_id,
        object_repr=f"#{row.object_id} {row.action} {whose} {row.request_hash}",
        action_flag=CHANGE,
        change_message=f"{said} (form {row.token}.{row.request_hash[:16]})" if had_mark else said,
        action_time=row.at,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0009_staff_action"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0001_initial"),
        ("contenttypes", "0002_remove_content_type_name"),
        # From here on the rows that a line is about have their person.
        ("billing", "0007_people_are_rows"),
        ("consent", "0003_person"),
        ("conversations", "0006_person"),
        ("querycache", "0004_person"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]
