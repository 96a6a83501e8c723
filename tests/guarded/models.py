"""A table with every kind of trigger, for the tests of common/schema/triggers.py alone."""

from django.db import models

from common.models import JSONField, UserIdField


class Proof(models.Model):
    user_id = UserIdField()
    sequence = models.PositiveIntegerField()
    amount = models.IntegerField()
    note = models.TextField(blank=True, default="")
    remark = models.TextField(null=True)  # noqa: DJ001  (an erasable column that may be null)
    details = JSONField(default=dict)
    evidence = JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "sequence"], name="guarded_proof_sequence_unique"
            )
        ]

    class Privacy:
        personal = {"user_id", "note", "remark", "details"}
        not_personal = {"id", "sequence", "amount", "evidence"}
        blanked_on_erasure = {"note", "remark", "details"}

    def __str__(self) -> str:
        return f"#{self.pk}"
