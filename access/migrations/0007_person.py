import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import access.models
import common.models
from access.migrating import triggers_off, meet_everybody, name_persons, point_to_persons


def name_kinds(apps, schema_editor):
    with triggers_off(schema_editor, "access_staffreading") as cursor:
        cursor.execute(
            "UPDATE access_staffreading SET kind = user_id"
            " WHERE user_id IN ('(shared)', '(search)')"
        )


def forget_kinds(apps, schema_editor):
    with triggers_off(schema_editor, "access_staffreading") as cursor:
        cursor.execute("UPDATE access_staffreading SET user_id = kind WHERE kind <> ''")


class Migration(migrations.Migration):
    dependencies = [("access", "0006_key_beside_the_one_it_replaces")]

    operations = [
        migrations.CreateModel(
            name="Person",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", common.models.UserIdField("person", max_length=128, null=True)),
                ("first_seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("note", models.TextField(blank=True, db_default="", default="")),
                ("erased_as", models.CharField(max_length=50, null=True)),
                ("erased_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "people",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("user_id", ""), _negated=True), name="access_person_has_an_id"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("erased_as", None), ("erased_at", None), ("user_id__isnull", False)),
                            models.Q(
                                ("erased_as__isnull", False),
                                ("erased_at__isnull", False),
                                ("note", ""),
                                ("user_id", None),
                            ),
                            _connector="OR",
                        ),
                        name="access_person_lives_or_was_erased",
                    ),
                ],
            },
        ),
        # On their own, so that they stand before the first persons are made.
        migrations.AddConstraint(
            "person", models.UniqueConstraint(fields=("user_id",), name="access_person_one_of_an_id")
        ),
        migrations.AddConstraint(
            "person", models.UniqueConstraint(fields=("erased_as",), name="access_person_one_of_a_name")
        ),
        migrations.CreateModel(
            name="PersonReference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=64)),
                ("value", models.CharField(max_length=255)),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="references",
                        to="access.person",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["name", "value"], name="access_reference_found")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("person", "name"), name="access_personreference_one_of_a_name"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True)
                        & models.Q(("value", ""), _negated=True),
                        name="access_personreference_says_something",
                    ),
                ],
            },
        ),
        migrations.RunPython(meet_everybody, migrations.RunPython.noop),
        # Readings by staff are the first that point to a person's row.
        migrations.AddField(
            "staffreading",
            "person",
            access.models.PersonField(help_text="Whose texts were read.", null=True),
        ),
        migrations.AddField(
            "staffreading",
            "kind",
            models.CharField(
                blank=True,
                choices=[("", "of a person"), ("(shared)", "Shared"), ("(search)", "Search")],
                default="",
                max_length=10,
            ),
        ),
        migrations.RunPython(point_to_persons("access_staffreading"), migrations.RunPython.noop),
        migrations.RunPython(name_kinds, migrations.RunPython.noop),
        migrations.RemoveIndex("staffreading", "staffreading_of_person"),
        migrations.RemoveConstraint("staffreading", "access_staffreading_names_whose_texts"),
        migrations.AlterField(
            "staffreading", "user_id", common.models.UserIdField("person", max_length=128, null=True)
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_kinds),
        migrations.RunPython(migrations.RunPython.noop, name_persons("access_staffreading")),
        migrations.RemoveField("staffreading", "user_id"),
        migrations.AddIndex(
            "staffreading",
            models.Index(
                models.F("person"),
                models.OrderBy(models.F("at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="staffreading_of_person",
            ),
        ),
        migrations.AddConstraint(
            "staffreading",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", ""), ("person__isnull", False)),
                    models.Q(("kind__in", ["(shared)", "(search)"]), ("person", None)),
                    _connector="OR",
                ),
                name="access_staffreading_of_a_person_or_a_kind",
            ),
        ),
    ]
