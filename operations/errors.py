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


# What gunicorn refuses before Steward sees it (operations/refusals.py writes the bodies).


class UriTooLong(DomainError):
    code = "uri_too_long"
    status = 414
    title = "Request-URI Too Long"


class ExpectationFailed(DomainError):
    code = "expectation_failed"
    status = 417
    title = "Expectation Failed"


class HeadersTooLarge(DomainError):
    code = "headers_too_large"
    status = 431
    title = "Request Header Fields Too Large"


class NotImplementedHere(DomainError):
    code = "not_implemented"
    status = 501
    title = "Not Implemented"
