"""A process of its own that stores answers as fast as it can."""

import random
import sys

import django

django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from querycache.services import entries  # noqa: E402
from tests.querycache.cache import key_for  # noqa: E402


def main() -> None:
    seed, count, largest = map(int, sys.argv[1:])
    source = random.Random(seed)
    for number in range(count):
        text = f'"{"x" * source.randrange(1, largest)}"'
        entries.store_answer(
            namespace="storm",
            user_id="ann",
            key=key_for(seed * count + number),
            answer=entries.NewAnswer(text=text, value=text),
            token=None,
            at=timezone.now(),
        )
    connection.close()


if __name__ == "__main__":
    main()
