from django.db import migrations, models

from access.migrating import triggers_off

# Of accounts that were frozen before anything was recorded of it.
NOBODY_KNOWN, NO_REASON_KNOWN = "system", "Frozen before reasons were kept."


def name_who_froze(apps, schema_editor):
    """The last freeze of each account that is frozen now. One of an erased person has no reason."""
    frozen = apps.get_model("billing", "CreditAccount").objects.filter(frozen_at__isnull=False)
    freezes = apps.get_model("access", "StaffAction").objects.filter(
        app_label="billing", model_name="creditaccount", action="billing.freeze"
    )
    with triggers_off(schema_editor, "billing_creditaccount"):
        for account in frozen.select_related("person").iterator():
            last = freezes.filter(object_id=str(account.pk)).order_by("-pk").first()
            reason = last.reason if last else NO_REASON_KNOWN
            frozen.filter(pk=account.pk).update(
                frozen_by=last.actor if last else NOBODY_KNOWN,
                frozen_reason=reason if account.person.user_id else "",
            )


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0010_staff_actions_of_the_log"),
        ("billing", "0007_people_are_rows"),
    ]

    operations = [
        migrations.AddField(
            "creditaccount",
            "frozen_by",
            models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            "creditaccount",
            "frozen_reason",
            models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.RunPython(name_who_froze, migrations.RunPython.noop),
        migrations.AddConstraint(
            "creditaccount",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("frozen_at", None), ("frozen_by", ""), ("frozen_reason", "")),
                    models.Q(
                        ("frozen_at__isnull", False), models.Q(("frozen_by", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="billing_account_frozen_by_somebody",
            ),
        ),
    ]
