"""What a search costs one person while other people's texts grow, against LIKE in the same run.

    DATABASE_URL=… python -m benchmarks.searching [--people 200]

Fills the database with 1,000 messages of about 630 bytes for each person (20 to a conversation),
and prints the median time of searches of one person for a rare, a middling and a common word, with
20 people and then with all. Run it on a database made for it: it deletes all conversations.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from access.models import Person  # noqa: E402
from conversations import reports, search  # noqa: E402
from conversations.models import Conversation, Message  # noqa: E402

MESSAGES = 1000
IN_ONE = 20
ROUNDS = 15
# How many of the asker's 1,000 messages have the word.
WORDS = {"rare": "zephyr", "middling": "copper", "common": "water"}
SHARES = {"zephyr": 0.002, "copper": 0.05, "water": 0.6}


def text(source: random.Random) -> str:
    words = [f"w{int(source.paretovariate(0.6)) % 50_000}" for _ in range(95)]
    words += [word for word, share in SHARES.items() if source.random() < share]
    source.shuffle(words)
    return " ".join(words)


def fill(first: int, last: int) -> None:
    source = random.Random(first)
    now = timezone.now()
    for number in range(first, last):
        owner = Person.objects.get_or_create(user_id=f"person{number}")[0].pk
        conversations = Conversation.objects.bulk_create(
            Conversation(
                person_id=owner, title="x", message_count=IN_ONE, created_at=now, updated_at=now
            )
            for _ in range(MESSAGES // IN_ONE)
        )
        rows = []
        for conversation in conversations:
            for position in range(1, IN_ONE + 1):
                content = text(source)
                rows.append(
                    Message(
                        conversation=conversation,
                        person_id=owner,
                        position=position,
                        role="user",
                        content=content,
                        search_text=search.search_text(content),
                        created_at=now,
                    )
                )
        Message.objects.bulk_create(rows)


def median_ms(act: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


def by_like(word: str) -> list[int]:
    own = Message.objects.for_user("person7").filter(content__contains=word)
    return list(own.values_list("conversation_id", flat=True).distinct()[:50])


def measure(people: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for kind, word in WORDS.items():
        found = median_ms(lambda word=word: reports.search(user_id="person7", query=word))
        like = median_ms(lambda word=word: by_like(word))
        print(f"{people:4} people, {kind:9} {found:8.2f} ms; LIKE on own rows {like:8.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=200)
    people = parser.parse_args().people
    call_command("migrate", verbosity=0)
    Message.objects.all().delete()
    Conversation.objects.all().delete()
    print(connection.vendor)
    fill(0, 20)
    measure(20)
    fill(20, people)
    measure(people)


if __name__ == "__main__":
    main()
