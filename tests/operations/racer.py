"""A process that does things for one person after another, beside others that do the same.

`python -m tests.operations.racer KEY NUMBER ACTS`: says "ready" on stdout. For each line on stdin,
which names a person, it does ACTS things for them, in an order of its own, and says what came of
them as a line of JSON: pairs of act and status. Processes 0 and 1 erase the person as well, the
second one every other person only; process 2 moves them to another id.
"""

import json
import random
import sys

import django

django.setup()

from tests.client import ApiClient  # noqa: E402  (needs the settings)
from tests.operations import lives  # noqa: E402

TRIES = 5
ERASURE = "erasure"


def status_of(name: str, person: ApiClient, user_id: str) -> list[int]:
    """All answers to an act that is tried again as long as it is 503."""
    answers: list[int] = []
    while len(answers) < TRIES and answers[-1:] in ([], [503]):
        if name == ERASURE:
            answers.append(person.post("/privacy/erase", {"confirm": user_id}).status_code)
        else:
            answers.append(lives.ACTS[name](person, user_id))
    return answers


def main(key: str, number: int, acts: int) -> None:
    print("ready", flush=True)
    for place, line in enumerate(sys.stdin):
        user_id = line.rstrip("\n")
        chosen = random.Random(f"{number} {place}")
        names = chosen.sample(list(lives.ACTS), acts)
        if number == 2:
            names[chosen.randrange(acts)] = "move"
        if number == 0 or (number == 1 and place % 2):
            names.insert(chosen.randrange(acts + 1), ERASURE)
        person = ApiClient(key, user_id)
        done = [[name, status] for name in names for status in status_of(name, person, user_id)]
        print(json.dumps(done), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
