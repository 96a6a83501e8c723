"""What operators can meet; no route raises these."""

from common.errors import DomainError


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
