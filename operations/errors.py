"""What operators and their probes can meet; no route but /health/ready raises these."""

from common.errors import DomainError


class NotReady(DomainError):
    """Requests would fail just now. `failing` names the components, and no more than that."""

    code = "not_ready"
    status = 503
    title = "Not ready"


class BackupFailed(DomainError):
    """No backup was made, or none restored; the sentence says why."""

    code = "backup_failed"
    status = 500
    title = "Backup failed"


class BackupDamaged(DomainError):
    """The file is no backup, or not as it was written."""

    code = "backup_damaged"
    status = 422
    title = "Backup damaged"


class BackupDoesNotFit(DomainError):
    """The backup is whole, and not for this release, engine or database."""

    code = "backup_does_not_fit"
    status = 409
    title = "Backup does not fit"
