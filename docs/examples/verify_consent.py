"""Recomputes a person's consent history: python verify_consent.py FILE [--salt S --user-id U].

FILE is the answer of GET /consent/history, or a JSON list of its pages; - reads standard input.
"""

import argparse
import hashlib
import hmac
import json
import sys


def problems(pages):
    last = {"sequence": 0, "hash": "0" * 64}
    for event in (event for page in pages for event in page["results"]):
        name = f"event {event['sequence']} ({event['id']})"
        covered = event | {"form": 1, "reference": pages[0]["reference"]}
        told = covered.pop("hash")
        text = json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if event["sequence"] != last["sequence"] + 1 or event["previous_hash"] != last["hash"]:
            yield f"{name} does not follow the one before"
        if hashlib.sha256(text.encode()).hexdigest() != told:
            yield f"{name} is not what its hash says"
        last = event


parser = argparse.ArgumentParser()
parser.add_argument("file", type=argparse.FileType("rb"))
parser.add_argument("--salt")
parser.add_argument("--user-id")
options = parser.parse_args()
pages = json.load(options.file)
pages = pages if isinstance(pages, list) else [pages]
found = next(problems(pages), None)
if options.salt:
    made = hmac.new(options.salt.encode(), options.user_id.encode(), "sha256").hexdigest()
    found = found or (made != pages[0]["reference"] and "the reference is of somebody else") or None
print(found or f"ok {sum(len(page['results']) for page in pages)} events")
sys.exit(1 if found else 0)
