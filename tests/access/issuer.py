"""An identity provider: keys that sign tokens, and a real server that gives the public ones out."""

import datetime
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.test import override_settings

ISSUER, AUDIENCE = "https://id.example", "steward"


@cache
def rsa_key(name: str) -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key(name: str) -> Any:
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(private: Any) -> str:
    return (
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def claims(**changed: Any) -> dict[str, Any]:
    """Ann's claims as they should be, but for what is changed; None leaves a claim out."""
    now = datetime.datetime.now(datetime.UTC)
    right = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": now,
        "exp": now + datetime.timedelta(minutes=5),
    }  # fmt: skip
    return {name: value for name, value in (right | changed).items() if value is not None}


def token(
    private: Any = None, algorithm: str = "RS256", kid: str | None = "one", **changed: Any
) -> str:
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims(**changed), private or rsa_key("one"), algorithm, headers=headers)


def jwk(private: Any, kid: str, **more: Any) -> dict[str, Any]:
    kind: Any = jwt.algorithms.RSAAlgorithm
    if isinstance(private, ec.EllipticCurvePrivateKey):
        kind = jwt.algorithms.ECAlgorithm
    return kind.to_jwk(private.public_key(), as_dict=True) | {"kid": kid, "use": "sig"} | more


def seconds(later: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=later)


class Provider:
    """What the server gives out, and how often it was asked."""

    def __init__(self) -> None:
        self.keys = [jwk(rsa_key("one"), "one")]
        self.status = 200
        self.body: bytes | None = None
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()
        self.url = ""

    def hang(self) -> None:
        self.answers.clear()

    def recover(self) -> None:
        self.status, self.body = 200, None
        self.answers.set()


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider on a port of this machine, and settings that trust it."""
    giving = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            giving.asked += 1
            giving.answers.wait(20)
            body = giving.body
            if body is None:
                body = json.dumps({"keys": giving.keys}).encode()
            self.send_response(giving.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError):  # the client did not wait
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    giving.url = f"http://127.0.0.1:{server.server_port}/{time.monotonic_ns()}"
    try:
        with override_settings(
            JWT_ISSUER=ISSUER, JWT_AUDIENCE=[AUDIENCE], JWT_JWKS_URL=giving.url, JWT_PUBLIC_KEY=""
        ):
            yield giving
    finally:
        giving.answers.set()
        server.shutdown()
        server.server_close()
        thread.join()


def trusting(pem: str) -> Any:
    """Settings that trust one public key."""
    return override_settings(
        JWT_ISSUER=ISSUER, JWT_AUDIENCE=[AUDIENCE], JWT_JWKS_URL="", JWT_PUBLIC_KEY=pem
    )
