import pytest
from django.core.exceptions import ValidationError

from common.models import validate_user_id

VALID = {
    "one character": "a",
    "128 characters": "a" * 128,
    "128 characters of another script": "日" * 128,
    "an e-mail address": "ann@example.org",
    "a provider's id": "auth0|5f7c8ec7c33c6c004bbafe82",
    "any punctuation": "../'\";--%_ <b>",
    "the word without its dash": "erased",
    "an emoji": "😀",
}
INVALID = {
    "nothing": "",
    "129 characters": "a" * 129,
    "a NUL": "a\0",
    "a line break": "a\nb",
    "a tab": "a\tb",
    "delete": "a\x7f",
    "a C1 control": "a\x85",
    "a lone surrogate": "a\ud800",
    "an erased person": "erased-0f63c050-e27d-485c-be80-48a12fdc445b",
    "the reserved beginning": "erased-",
}


class TestAUserId:
    @pytest.mark.parametrize("user_id", VALID.values(), ids=VALID)
    def test_may_be(self, user_id: str) -> None:
        validate_user_id(user_id)

    @pytest.mark.parametrize("user_id", INVALID.values(), ids=INVALID)
    def test_may_not_be(self, user_id: str) -> None:
        with pytest.raises(ValidationError):
            validate_user_id(user_id)
