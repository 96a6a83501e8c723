"""The tiers: what each kind of customer may do."""

from billing import errors
from billing.models import Tier

# The originals' tiers: key, name, daily and monthly limit, allowance, hours between refills.
DEFAULT_TIERS = (
    ("guest", "Guest", 10, 100, 10, None),
    ("free", "Free", 10, 100, 50, 24),
    ("pro", "Pro", 100, 3000, 50, 24),
    ("enterprise", "Enterprise", None, None, 50, 24),
)
DEFAULT_TIER = "free"


def ensure_tiers() -> None:
    """This function will make the four default tiers where they are missing, and a default."""
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
