"""Thousands of answers, written down once and compared byte by byte ever after.

    DATABASE_URL=… python -m benchmarks.answers record FILE [--tree CHECKOUT]
    DATABASE_URL=… python -m benchmarks.answers compare FILE [--tree CHECKOUT]

`record` asks what `benchmarks.stories` says, on every route, and writes each request with its
answer: status, headers and body. `compare` sends the same requests to this checkout, or the one
named, and shows each answer that is another; the exit code is 1 if there is any. Both make
databases for it: on DATABASE_URL's server, or as files of SQLite without one.

The clock stands where the request says. Ids, and what is random besides (lease tokens, hashes of
consents, cursors), are replaced by names in the order in which they appear, such as `<<id:7>>`;
times of the database's own clock by `<<now>>`, and what measures this run by nothing.
"""

import argparse
import datetime
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import asked, stories
from benchmarks.application import Application, new_database

AUDIENCE, ISSUER = "steward", "https://id.example"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
RANDOM = r'"(?:hash|previous_hash|reference|details_hmac|token)":"([0-9a-f]{32,64})"'
NAMED = re.compile(rf"({UUID})|cursor=([\w-]+)|{RANDOM}")
OPAQUE = re.compile(rf"{UUID}|(?<=cursor=)[\w-]+|\b[0-9a-f]{{32,64}}\b")
PLACEHOLDER = re.compile(r"<<[\w:-]+>>")
# Exports have hashes of requests whose path may have an id, salts, and rows' own numbers, of which
# PostgreSQL leaves some out.
OWN = re.compile(r'("(?:request_hash|salt)":)"[0-9a-f]{64}"|("id":)\d+')
TIME = re.compile(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
MEASURED = {"/metrics": re.compile(r"^[^#].*\n?", re.MULTILINE), "/health": re.compile(r"[\d.]+")}
SHOWN = 60


class Names:
    """What stands for an id in requests and answers, by the order in which ids appeared."""

    def __init__(self, given: dict[str, str]) -> None:
        self.real = {f"<<{name}>>": value for name, value in given.items()}
        self.names = {value: name for name, value in self.real.items()}

    def filled(self, text: str) -> str:
        """The text with the ids of this run."""
        return PLACEHOLDER.sub(lambda match: self.real.get(match[0], match[0]), text)

    def plain(self, text: str) -> str:
        """The text without anything that is of this run alone."""
        for match in NAMED.finditer(text):
            value = next(filter(None, match.groups()))
            if value not in self.names and set(value) != {"0"}:
                self.names[value] = f"<<id:{len(self.names)}>>"
                self.real[self.names[value]] = value
        text = OPAQUE.sub(lambda match: self.names.get(match[0], match[0]), text)
        return TIME.sub(self._time, OWN.sub(r'\1\2"<<own>>"', text))

    def _time(self, match: re.Match[str]) -> str:
        said = datetime.datetime.fromisoformat(match[0].replace("Z", "+00:00"))
        age = datetime.datetime.now(datetime.UTC) - said
        return "<<now>>" if abs(age) < datetime.timedelta(days=1) else match[0]


class Site:
    """One application with its settings, which is asked by names and answers with them."""

    def __init__(self, application: Application, keys: dict[str, str]) -> None:
        self.application, self.names = application, Names(keys)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        sent = json.loads(self.names.filled(json.dumps(request)))
        said = self.application.do(**sent)
        headers = [self.names.plain(header) for header in said["headers"]]
        body = said["body"]
        for path, measured in MEASURED.items():
            if request["path"].startswith(path):
                body = measured.sub("", body)
        plain = self.names.plain(body)
        if "<<now>>" in plain or body != said["body"]:
            headers = [one for one in headers if not one.startswith("Content-Length")]
        return {"status": said["status"], "headers": without_expiry(headers), "body": plain}


def without_expiry(headers: list[str]) -> list[str]:
    """Django's own header of pages that are never kept has this moment's time."""
    return [header for header in headers if not header.startswith("Expires:")]


def tokens() -> tuple[str, dict[str, str]]:
    """A public key in one line, and tokens of Ann's by their names."""
    import jwt
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    right = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": 1_700_000_000, "exp": 2**33}
    made = {
        "token": right,
        "token-expired": right | {"exp": 1_700_000_001},
        "token-of-another": right | {"aud": "another"},
    }
    return pem.decode().replace("\n", "\\n"), {
        name: jwt.encode(claims, private, "ES256") for name, claims in made.items()
    }


@contextmanager
def served(name: str, tree: Path) -> Iterator[Site]:
    pem, given = tokens()
    settings, _ = stories.SITES[name]
    common = {
        "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE, "JWT_PUBLIC_KEY": pem,
        "CORS_ALLOWED_ORIGINS": "https://app.example", "LOG_LEVEL": "CRITICAL",
        "DEFERRED_WRITE_SECONDS": "0",
    }  # fmt: skip
    with new_database(f"answers_{name}") as url, tempfile.TemporaryDirectory() as folder:
        application = Application(tree, url, **common | settings)
        try:
            keys = asked.prepare(application.do, Path(folder))
            yield Site(application, keys | given)
        finally:
            application.end()


def record(file: Path, tree: Path, sites: list[str]) -> int:
    count = 0
    with file.open("w") as lines:
        for name in sites:
            with served(name, tree) as site:

                def send(request: dict[str, Any], site: Site = site, name: str = name) -> Any:
                    nonlocal count
                    answer = site.answer(request)
                    line = {"site": name, "request": request, "answer": answer}
                    lines.write(json.dumps(line) + "\n")
                    count += 1
                    return answer

                stories.SITES[name][1](asked.Asker(send, seed=16))
    print(f"{count:,} answers are written down")
    return 0


def compare(file: Path, tree: Path, sites: list[str]) -> int:
    count = differing = 0
    for name in sites:
        with file.open() as lines, served(name, tree) as site:
            for number, line in enumerate(lines, 1):
                known = json.loads(line)
                if known["site"] != name:
                    continue
                answer = site.answer(known["request"])
                count += 1
                if answer != known["answer"]:
                    differing += 1
                    if differing <= SHOWN:
                        show(f"{name}, line {number}", known["request"], known["answer"], answer)
    print(f"{count:,} answers, {differing:,} of them are others")
    return 1 if differing or not count else 0


def show(place: str, request: dict[str, Any], before: dict[str, Any], now: dict[str, Any]) -> None:
    print(f"{place}: {request['method']} {request['path'][:200]} {request.get('body', '')[:200]}")
    for name in ("status", "headers", "body"):
        if before[name] == now[name]:
            continue
        one, other = before[name], now[name]
        if name == "headers":
            one, other = (sorted(set(a) - set(b)) for a, b in ((one, other), (other, one)))
        elif name == "body":
            start = next(
                (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0
            )
            one, other = (text[max(0, start - 60) : start + 200] for text in (one, other))
        print(f"   {name} before: {one}\n   {name} now:    {other}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("act", choices=("record", "compare"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--tree", type=Path, default=Path.cwd(), help="another checkout's folder")
    parser.add_argument("--site", nargs="+", choices=stories.SITES, default=list(stories.SITES))
    options = parser.parse_args()
    act = record if options.act == "record" else compare
    return act(options.file, options.tree.resolve(), options.site)


if __name__ == "__main__":
    sys.exit(main())
