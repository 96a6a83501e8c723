"""What can be wrong with a consent."""

from common.errors import DomainError


class PolicyOutdated(DomainError):
    code = "policy_outdated"
    status = 409
    title = "Policy outdated"


class PurposeRequired(DomainError):
    code = "purpose_required"
    status = 422
    title = "Purpose required"


class ConsentRequired(DomainError):
    code = "consent_required"
    status = 403
    title = "Consent required"


class PolicyVersionTaken(DomainError):
    code = "policy_version_taken"
    status = 409
    title = "Policy version taken"


class PolicyInvalid(DomainError):
    code = "policy_invalid"
    title = "Invalid policy"


class PurposeUnknown(DomainError):
    code = "purpose_unknown"
    status = 404
    title = "Purpose unknown"


class PurposeInUse(DomainError):
    """Staff meet it in the admin; no route deletes purposes."""

    code = "purpose_in_use"
    status = 409
    title = "Purpose in use"
