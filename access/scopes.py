"""What a caller may be allowed to do. A scope's name is part of the API."""

SCOPES = {
    "conversations:read": "read conversations, search and export them",
    "conversations:write": "create, change and delete conversations, append messages",
    "billing:read": "read usage, credits and transactions",
    "billing:charge": "count usage, charge, hold and capture credits",
    "billing:manage": "grant, refund and adjust credits, change tiers and limits",
    "consent:read": "read consent, its history and the texts",
    "consent:write": "give and withdraw consent",
    "cache:read": "look up cached answers",
    "cache:write": "store and remove cached answers",
    "cache:manage": "invalidate cached answers by tag, model or namespace",
    "persons:read": "list persons, and find them by an application's own reference",
    "persons:write": "give persons references and notes, and move them to another id",
    "privacy:manage": "export and erase a person",
}

# What a person's own token has for their own data; no service key can be given it.
OWN_DATA = "privacy:own"

# All that a person may do by themselves. What counts or costs is the application's to say.
PERSONS_SCOPES = frozenset(
    {
        "conversations:read", "conversations:write", "billing:read", "consent:read",
        "consent:write", OWN_DATA,
    }
)  # fmt: skip
