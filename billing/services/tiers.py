"""The tiers: what each kind of customer may do."""

from django.db import transaction

from access.models import PersonKey
from billing import errors
from billing.models import CreditAccount, Tier, Usage

# The originals' tiers: key, name, daily and monthly limit, allowance, hours between refills.
DEFAULT_TIERS = (
    ("guest", "Guest", 10, 100, 10, None),
    ("free", "Free", 10, 100, 50, 24),
    ("pro", "Pro", 100, 3000, 50, 24),
    ("enterprise", "Enterprise", None, None, 50, 24),
)
DEFAULT_TIER = "free"


def ensure_tiers() -> None:
    """Make the four default tiers where they are missing, and a default."""
    standing = set(Tier.objects.values_list("key", flat=True))
    has_default = Tier.objects.filter(is_default=True).exists()
    for key, name, daily, monthly, allowance, hours in DEFAULT_TIERS:
        if key not in standing:
            Tier.objects.create(
                key=key,
                name=name,
                daily_limit=daily,
                monthly_limit=monthly,
                credit_allowance=allowance,
                refill_interval_hours=hours,
                is_default=key == DEFAULT_TIER and not has_default,
            )


def tier_named(key: str | None) -> Tier:
    """The tier with this key, or the default one. Raises UnknownTier."""
    tier = Tier.objects.filter(is_default=True).first() if key is None else None
    tier = tier or Tier.objects.filter(key=DEFAULT_TIER if key is None else key).first()
    if tier is None:
        known = ", ".join(Tier.objects.order_by("pk").values_list("key", flat=True))
        raise errors.UnknownTier(f"There is no tier {key!r}. Known tiers: {known}.")
    return tier


def tier_at_first_contact(
    other: type[Usage] | type[CreditAccount], *, user_id: str, named: str | None
) -> Tier:
    """The tier with which a person's usage or account is opened.

    A person has one tier: where the `other` of the two rows stands, it is the tier of that one,
    whatever is `named`. Raises UnknownTier.
    """
    of_person = other.objects.filter(person_id=PersonKey(user_id))
    standing = of_person.values_list("tier", flat=True).first()
    return tier_named(standing or named)


@transaction.atomic
def save_tier(*, tier: Tier, make_default: bool) -> Tier:
    """Store a tier; with `make_default` it takes that place from the old one.

    Nobody who is there already changes by it.
    """
    # All are locked, so that of two choices at once the second one sees the first.
    standing = list(Tier.objects.select_for_update(no_key=True).order_by("pk"))
    defaults = {row.pk for row in standing if row.is_default}
    if make_default:
        Tier.objects.filter(pk__in=defaults - {tier.pk}).update(is_default=False)
    tier.is_default = make_default or tier.pk in defaults
    tier.save()
    return tier


@transaction.atomic
def delete_tier(*, tier: Tier) -> None:
    """Remove a tier that is neither the default nor anybody's.

    Raises TierInUse.
    """
    standing = Tier.objects.select_for_update().get(pk=tier.pk)
    if standing.is_default:
        raise errors.TierInUse("This is the default tier. Make another one the default first.")
    accounts = CreditAccount.objects.filter(tier=standing.key)
    if accounts.exists() or Usage.objects.filter(tier=standing.key).exists():
        raise errors.TierInUse("People have this tier. Give them another one first.")
    standing.delete()
