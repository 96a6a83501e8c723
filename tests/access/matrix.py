"""Who may do what, written once: tests/access/test_matrix.py tries all of it.

docs/security.md shows the same tables: `python -m tests.access.matrix` writes them there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "security.md"
BEGIN, END = "<!-- the matrix begins -->", "<!-- the matrix ends -->"


@dataclass(frozen=True)
class Row:
    """What one route asks of its caller.

    `scopes`: any of these lets a service key in, each with its body in `bodies`; none: it is open
    to all. `own`: a person's own token is let in. `names_person`: a key must send X-User-Id.
    `body`, `query` and `place` (for a parameter that is nobody's id) make a request that is
    answered with 2xx. `makes_own`: it makes the caller's own row where another has one of that id.
    """

    scopes: tuple[str, ...] = ()
    own: bool = False
    names_person: bool = True
    body: Any = None
    query: str = ""
    place: str = ""
    bodies: dict[str, Any] = field(default_factory=dict)
    makes_own: bool = False


READ = Row(("conversations:read",), own=True)
WRITE = Row(("conversations:write",), own=True)
BILL = Row(("billing:read",), own=True)
CHARGE = Row(("billing:charge",))
MANAGE = Row(("billing:manage",))
CONSENT = Row(("consent:read",), own=True)
AGREE = Row(("consent:write",), own=True)
OPEN = Row(own=True, names_person=False)

DEDUCT = {"type": "deduct", "amount": 1}
GRANT = {"type": "grant", "amount": 1}

API: dict[str, Row] = {
    "GET /schema": OPEN,
    "GET /docs": OPEN,
    "GET /conversations": READ,
    "POST /conversations": WRITE,
    "GET /conversations/search": Row(READ.scopes, own=True, query="?q=word"),
    "GET /conversations/<conversation_id>": READ,
    "PATCH /conversations/<conversation_id>": Row(WRITE.scopes, own=True, body={"title": "a"}),
    "DELETE /conversations/<conversation_id>": WRITE,
    "GET /conversations/<conversation_id>/export": READ,
    "GET /conversations/<conversation_id>/messages": READ,
    "POST /conversations/<conversation_id>/messages": Row(
        WRITE.scopes, own=True, body={"role": "user", "content": "a"}
    ),
    "GET /usage": BILL,
    "PATCH /usage": Row(MANAGE.scopes, body={"tier": "pro", "reason": "a"}),
    "GET /usage/check": BILL,
    "POST /usage/increment": CHARGE,
    "GET /credits": BILL,
    "GET /credits/statistics": BILL,
    "GET /credits/transactions": BILL,
    "POST /credits/transactions": Row(
        ("billing:charge", "billing:manage"),
        bodies={"billing:charge": DEDUCT, "billing:manage": GRANT},
    ),
    "POST /credits/transactions/batch": Row(
        ("billing:charge", "billing:manage"),
        bodies={
            "billing:charge": {"transactions": [DEDUCT]},
            "billing:manage": {"transactions": [GRANT]},
        },
    ),
    "POST /credits/transactions/<transaction_id>/refund": MANAGE,
    "POST /credits/holds": Row(CHARGE.scopes, body={"amount": 1}),
    "POST /credits/holds/<hold_id>/capture": CHARGE,
    "POST /credits/holds/<hold_id>/release": CHARGE,
    "GET /consent": CONSENT,
    "PUT /consent": Row(AGREE.scopes, own=True, body={"purposes": {"marketing": True}}),
    "PUT /consent/<purpose>": Row(AGREE.scopes, own=True, body={}, place="marketing"),
    "DELETE /consent/<purpose>": Row(AGREE.scopes, own=True, place="marketing"),
    "GET /consent/history": CONSENT,
    "GET /consent/as-of": Row(CONSENT.scopes, own=True, query="?at=2026-01-01T00:00:00Z"),
    "POST /consent/query": Row(
        CONSENT.scopes, names_person=False, body={"user_ids": ["carl"], "purpose": "marketing"}
    ),
    "GET /consent/policies": Row(CONSENT.scopes, own=True, names_person=False),
    "POST /cache/lookup": Row(("cache:read",), body={"query": "a"}),
    "POST /cache/key": Row(("cache:read",), names_person=False, body={"query": "a"}),
    "POST /cache/invalidate": Row(("cache:manage",), names_person=False, body={"all": True}),
    "GET /cache/stats": Row(("cache:read",), names_person=False),
    "GET /cache/entries/<key>": Row(("cache:read",)),
    "PUT /cache/entries/<key>": Row(("cache:write",), body={"result": "a"}, makes_own=True),
    "DELETE /cache/entries/<key>": Row(("cache:write",)),
    "GET /persons": Row(("persons:read",), names_person=False),
    "GET /persons/<user_id>": Row(("persons:read",), names_person=False, place="carl"),
    "PATCH /persons/<user_id>": Row(
        ("persons:write",), names_person=False, body={"note": "a"}, place="carl"
    ),
    "POST /persons/<user_id>/move": Row(
        ("persons:write",), names_person=False, body={"to": "dora"}, place="carl"
    ),
    "GET /privacy/export": Row(("privacy:manage",), own=True),
    "POST /privacy/erase": Row(("privacy:manage",), body={"confirm": "ann"}),
}

# Outside of /api/v1: which of them any service key opens, and staff who are logged in, but no
# person's own token. The others are open to all.
OUTSIDE = {
    "/health/live": False,
    "/health/ready": False,
    "/health/detailed": True,
    "/metrics": True,
}
# And what answers there with nothing of Steward's.
BARE = {"home", None, "unmatched"}


# Staff: what each page of the admin asks for. ANYBODY is every member of staff, SUPERUSERS are they
# alone, NOBODY is not even those.
ANYBODY: tuple[str, ...] = ()
SUPERUSERS = ("a superuser",)
NOBODY = ("nobody",)
RECORDING = ("consent.view_consentchain", "consent.record_consent")
KEEPING = ("conversations.view_conversation", "conversations.keep_conversation")

STAFF: dict[str, tuple[str, ...]] = {
    "index": ANYBODY,
    "search": ANYBODY,
    "jsi18n": ANYBODY,
    "password_change": ANYBODY,
    "password_change_done": ANYBODY,
    "auth_user_password_change": ("auth.change_user",),
    "conversations_conversation_export": ("conversations.view_conversation",),
    "conversations_conversation_hold": KEEPING,
    "conversations_conversation_lift": KEEPING,
    "billing_credittransaction_export": ("billing.view_credittransaction",),
    "consent_consentchain_record": RECORDING,
    "consent_consentchain_give": RECORDING,
    "consent_consentchain_refuse": RECORDING,
    "consent_consentevent_export": ("consent.view_consentevent",),
    "consent_consentevent_statistics": ("consent.view_consentevent",),
    "consent_policyversion_publish": ("consent.view_policyversion", "consent.publish_policy"),
} | {
    f"billing_creditaccount_{act}": ("billing.view_creditaccount", f"billing.manage_{what}")
    for act, what in {
        "grant": "credits", "purchase": "credits", "adjust": "credits", "refund": "credits",
        "release": "credits", "freeze": "credits", "unfreeze": "credits", "tier": "usage",
        "limits": "usage",
    }.items()
}  # fmt: skip
# Of these the pages only show, and nobody adds, changes or deletes a row by a form.
READ_ONLY = (
    "access.apikey", "access.person", "access.staffaction", "access.staffreading",
    "billing.creditaccount", "billing.credittransaction", "billing.credithold", "billing.usage",
    "billing.usageoverride", "billing.ledgercheckpoint",
    "consent.consentchain", "consent.consentevent", "consent.policyversion",
    "conversations.conversation", "operations.erasure", "operations.maintenancerun",
    "querycache.cacheentry", "querycache.cachestatistics",
)  # fmt: skip
# These are edited with Django's own permissions.
EDITED = ("auth.user", "billing.tier", "consent.purpose")
# These by superusers alone.
EDITED_BY_SUPERUSERS = ("auth.group",)
# And these likewise, but nobody adds or deletes one.
CHANGED = ("querycache.namespace",)
# What is done to rows chosen from a list, and the permission besides the one to view them.
ACTIONS = {
    ("auth.user", "delete_selected"): "auth.delete_user",
    ("auth.group", "delete_selected"): SUPERUSERS[0],
    ("querycache.cacheentry", "expire"): "querycache.change_cacheentry",
    ("querycache.cacheentry", "remove"): "querycache.delete_cacheentry",
    ("querycache.namespace", "invalidate"): "querycache.change_namespace",
}
# Addresses that only lead on, or ask for what their target asks for.
LEAD_ON = {None, "login", "logout", "autocomplete", "view_on_site", "app_list"}


def staff_pages() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each page of the admin by its route's name, and the permissions that it asks for."""
    yield from STAFF.items()
    for name in (*READ_ONLY, *EDITED, *EDITED_BY_SUPERUSERS, *CHANGED):
        app, model = name.split(".")
        viewed = (f"{app}.view_{model}",)
        for page in ("changelist", "change", "history"):
            yield f"{app}_{model}_{page}", viewed
        for page in ("add", "delete"):
            needed = (f"{app}.{page}_{model}",) if name in EDITED else NOBODY
            if name in EDITED_BY_SUPERUSERS:
                needed = SUPERUSERS
            # Django asks for both, so that nobody makes users who may do more than they may.
            both = (*needed, "auth.change_user") if (name, page) == ("auth.user", "add") else needed
            yield f"{app}_{model}_{page}", both


# As docs/security.md shows it


def _lines() -> Iterator[str]:
    yield "| route | a service key needs | a person's own token | another person's id |"
    yield "|---|---|---|---|"
    for route, row in API.items():
        needed = " or ".join(f"`{scope}`" for scope in row.scopes) or "open to all"
        if row.scopes and not row.names_person:
            needed += ", and no person"
        others = (
            "404"
            if "<" in route and not (row.place or row.makes_own)
            else ("–" if not row.names_person else "their own rows")
        )
        yield f"| `{route}` | {needed} | {'yes' if row.own else '403'} | {others} |"
    yield ""
    yield "| outside of `/api/v1` | open to | a person's own token |"
    yield "|---|---|---|"
    for path, is_guarded in OUTSIDE.items():
        callers = "any service key, and staff who are logged in" if is_guarded else "all"
        yield f"| `GET {path}` | {callers} | {'403' if is_guarded else 'yes'} |"
    yield ""
    yield "| page of the admin | permissions |"
    yield "|---|---|"
    for page, needed_permissions in STAFF.items():
        shown = " and ".join(f"`{name}`" for name in needed_permissions) or "every member of staff"
        yield f"| {page} | {shown} |"
    for name in READ_ONLY:
        app, model = name.split(".")
        yield f"| list, page and history of {name} | `{app}.view_{model}`; nobody edits |"
    for name in EDITED:
        app, model = name.split(".")
        yield f"| list, page and history of {name} | `{app}.view_{model}`; edited by Django's own |"
    for name in EDITED_BY_SUPERUSERS:
        app, model = name.split(".")
        yield f"| list, page and history of {name} | `{app}.view_{model}`; edited by superusers |"
    for name in CHANGED:
        app, model = name.split(".")
        shown = f"`{app}.view_{model}`; changed by `{app}.change_{model}`"
        yield f"| list, page and history of {name} | {shown}; nobody adds or deletes |"
    yield ""
    yield "| action on chosen rows | permissions |"
    yield "|---|---|"
    for (name, action), needed_permission in ACTIONS.items():
        app, model = name.split(".")
        shown = f"`{needed_permission}`"
        if needed_permission == SUPERUSERS[0]:
            shown = needed_permission
        yield f"| {action} of {name} | `{app}.view_{model}` and {shown} |"


def document_with_tables() -> str:
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    return "\n".join([f"{before}{BEGIN}", "", *_lines(), "", f"{END}{after}"])


if __name__ == "__main__":
    DOCUMENT.write_text(document_with_tables())
