"""What operators did that must be known later."""

from django.db import models

from common.models import JSONField


class Erasure(models.Model):
    """One person was forgotten. It says when, by whom and how many rows; never who it was.

    `reference` is the name that stands in the rows that were kept (`erased-<uuid>`).
    """

    reference = models.CharField(max_length=50, unique=True)
    counts = JSONField(help_text="Rows by table: those erased and those kept.")
    actor = models.CharField(max_length=200)
    reason = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="Why the person was erased although their account was frozen; else empty.",
    )
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reference__startswith="erased-"),
                name="operations_erasure_names_no_person",
            )
        ]

    class Privacy:
        personal: set[str] = set()
        not_personal = {"id", "reference", "counts", "actor", "reason", "at"}

    def __str__(self) -> str:
        return f"#{self.pk} {self.at:%Y-%m-%d}"


class MaintenanceRunQuerySet(models.QuerySet["MaintenanceRun"]):
    def of(self, task: str) -> "MaintenanceRunQuerySet":
        """The runs of this task, the newest first."""
        return self.filter(task=task).order_by("-pk")

    def succeeded(self) -> "MaintenanceRunQuerySet":
        """Those without an error; of `verify`, those that found nothing."""
        return self.filter(error="")


class MaintenanceRun(models.Model):
    """A task of `maintain`, a `backup` or a `verify` was run. It goes after 90 days.

    Written when it ended; never changed. `items` counts what was tidied (or, of a report and of
    `verify`, found). `error` is empty when all went well. `ends` says how far a `verify` looked.
    """

    task = models.CharField(max_length=100)
    started_at = models.DateTimeField()
    duration_seconds = models.FloatField()
    items = models.PositiveBigIntegerField()
    error = models.TextField(blank=True, default="")
    ends = JSONField(
        null=True,
        blank=True,
        help_text="Of verify: by check, the highest key that it looked at. Empty where unknown.",
    )

    objects = MaintenanceRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(task=""), name="operations_maintenancerun_names_its_task"
            )
        ]
        indexes = [models.Index(fields=["task", "id"], name="operations_run_of_task")]

    class Privacy:
        personal: set[str] = set()
        not_personal = {"id", "task", "started_at", "duration_seconds", "items", "error", "ends"}

    def __str__(self) -> str:
        return f"#{self.pk} {self.task}"
