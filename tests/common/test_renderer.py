import datetime
import uuid
from decimal import Decimal
from typing import Any

import pytest

from common.api.wire import OrjsonRenderer


class TestTheRenderer:
    @pytest.mark.parametrize("value", [Decimal("1.1"), object(), {1, 2}, b"bytes", 1j, 2**64])
    def test_raises_on_what_it_does_not_know(self, value: Any) -> None:
        with pytest.raises(TypeError):
            OrjsonRenderer().render({"value": value})

    def test_writes_times_in_utc_with_a_z(self) -> None:
        noon = datetime.datetime(2025, 3, 1, 12, 0, 0, 5, tzinfo=datetime.UTC)

        assert OrjsonRenderer().render({"at": noon}) == b'{"at":"2025-03-01T12:00:00.000005Z"}'

    def test_writes_ids_as_text_and_other_scripts_as_they_are(self) -> None:
        value = {"id": uuid.UUID(int=1), "name": "日本"}

        body = OrjsonRenderer().render(value)

        assert body.decode() == '{"id":"00000000-0000-0000-0000-000000000001","name":"日本"}'

    def test_writes_nothing_for_an_answer_without_a_body(self) -> None:
        assert OrjsonRenderer().render(None) == b""
