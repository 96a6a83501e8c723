"""IP addresses in evidence: never stored by default, and cut to their network when they may be."""

from typing import Any

import pytest

from consent.models import ConsentEvent
from tests.client import ApiClient
from tests.consent.answers import drift

pytestmark = pytest.mark.django_db

ADDRESSES = {
    "198.51.100.77": "198.51.100.0/24",
    "198.051.100.077": "198.51.100.0/24",
    "198.51.100.77/32": "198.51.100.0/24",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1::/48",
    "2001:DB8:1::6": "2001:db8:1::/48",
    "2001:db8:1:2::/64": "2001:db8:1::/48",
    "fe80::1%eth0": "fe80::/48",
    "::1": "::/48",
    "::ffff:198.51.100.77": "198.51.100.0/24",
    "::ffff:c633:644d": "198.51.100.0/24",
    "2002:c633:644d::1": "198.51.100.0/24",
}
WITHIN = [
    "from {}",
    "{}, 10.0.0.9",
    'for="[{}]:4711";proto=https',
    "https://{}/sign-up",
    "https://[{}]:8000/sign-up",
    "ip={}&page=2",
    "client:{}",
    "It was {}.",
    "({})",
    "a line\n{}\n",
]
NO_ADDRESSES = [
    "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0 Safari/537.36",
    "12:30:45",
    "2026-03-10T12:30:45.123456Z",
    "00:1a:2b:3c:4d:5e",
    "1.2.3",
    "1.2.3.4.5",
    "999.1.1.1",
    "std::sort",
    "日本 ::: ok",
    "",
]


def stored(person: ApiClient, evidence: dict[str, Any]) -> dict[str, Any]:
    answer = person.put("/consent/training_use", {"evidence": evidence})
    assert answer.status_code == 200, answer.content
    assert drift() == []
    kept: dict[str, Any] = ConsentEvent.objects.latest("id").evidence
    return kept


class TestAnAddress:
    @pytest.mark.parametrize("address", ADDRESSES)
    def test_is_not_stored(self, person: ApiClient, address: str) -> None:
        deep = {"a": [{"b": [address]}], "ip": address, address: True}

        kept = stored(person, deep)

        assert kept == {"a": [{"b": [None]}], "ip": None, "[address]": True}

    @pytest.mark.parametrize("text", WITHIN)
    def test_is_not_stored_within_a_text(self, person: ApiClient, text: str) -> None:
        kept = stored(person, {"text": [text.format(address) for address in ADDRESSES]})

        for address in ("198.51.100.77", "644d", "077", "10.0.0.9", "::6", "fe80", "::1", "5:6"):
            assert address not in str(kept).replace("[address]:", "").lower(), kept

    @pytest.mark.parametrize(("address", "network"), ADDRESSES.items())
    def test_is_cut_to_its_network(
        self, person: ApiClient, settings: Any, address: str, network: str
    ) -> None:
        settings.CONSENT_STORE_IP = True

        kept = stored(person, {"a": [{"b": [address]}], "text": f"from {address}", address: True})

        assert kept == {"a": [{"b": [network]}], "text": f"from {network}", network: True}

    @pytest.mark.parametrize("store", [True, False])
    @pytest.mark.parametrize("text", NO_ADDRESSES)
    def test_is_not_seen_where_there_is_none(
        self, person: ApiClient, settings: Any, store: bool, text: str
    ) -> None:
        settings.CONSENT_STORE_IP = store

        assert stored(person, {"text": text, "number": 3232235777, "none": None}) == {
            "text": text,
            "number": 3232235777,
            "none": None,
        }

    def test_that_is_a_network_already_stays_that_network(
        self, person: ApiClient, settings: Any
    ) -> None:
        settings.CONSENT_STORE_IP = True

        kept = stored(person, {"ip": "198.51.100.0/24", "ip6": "2001:db8:1::/48"})

        assert kept == {"ip": "198.51.100.0/24", "ip6": "2001:db8:1::/48"}

    def test_is_no_method(self, person: ApiClient) -> None:
        answer = person.put("/consent/training_use", {"method": "198.51.100.77"})

        assert answer.status_code == 400
        assert not ConsentEvent.objects.exists()
