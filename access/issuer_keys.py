"""The public keys of the identity provider, from its JWKS address, by their ids.

Fetched by a thread of their own, one fetch at a time, so that an address that hangs or is down
costs a request at most three seconds, once. Known keys serve on meanwhile.
"""

import http.client
import logging
import math
import threading
import time

import jwt
from django.conf import settings

from access import errors

logger = logging.getLogger(__name__)

# How long one step of a fetch may take, and how long a request waits for it at most.
FETCH_SECONDS = 3.0
# Older keys are fetched anew while they serve; only past the second age is the fetch waited for.
FRESH_SECONDS = 300.0
WAITED_FOR_SECONDS = 3600.0
# What passes at least before the next fetch: after one that gave keys, which unknown ids would
# otherwise make the caller repeat at will, and after one that failed.
COOLDOWN_SECONDS = 30.0
RETRY_SECONDS = 5.0

# What a wrong address, a wrong answer or a broken connection raises in PyJWT and below it.
FAULTS = (
    OSError, http.client.HTTPException, ValueError, TypeError, AttributeError, jwt.PyJWTError,
)  # fmt: skip


class IssuerKeys:
    """The keys of one address. `find` may be called by any number of threads."""

    def __init__(self, url: str) -> None:
        # Its own cache would hold a lock during the fetch, and forget the keys when it fails.
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=FETCH_SECONDS)
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = -math.inf
        self._tried_at = -math.inf
        self._has_failed = False
        self._fetching: threading.Thread | None = None

    def find(self, key_id: str) -> jwt.PyJWK | None:
        """The key, or None when the provider has no such key.

        Raises IdentityProviderUnavailable when that cannot be found out.
        """
        key = self._keys.get(key_id)
        age = time.monotonic() - self._fetched_at
        if key is not None and age < FRESH_SECONDS:
            return key
        fetch = self._fetch()
        if fetch is not None and not self._has_failed and (key is None or age > WAITED_FOR_SECONDS):
            fetch.join(max(0, self._tried_at + FETCH_SECONDS - time.monotonic()))
        is_unsure = self._has_failed or (fetch is not None and fetch.is_alive())
        # What is unsure stays as it was: a known key is served on.
        key = self._keys.get(key_id) or (key if is_unsure else None)
        if key is None and is_unsure:
            raise errors.IdentityProviderUnavailable(
                "The token cannot be checked: the identity provider's keys are out of reach."
            )
        return key

    def _fetch(self) -> threading.Thread | None:
        """The fetch that is under way, or a new one if it is time for one."""
        with self._lock:
            if self._fetching is not None and self._fetching.is_alive():
                return self._fetching
            pause = RETRY_SECONDS if self._has_failed else COOLDOWN_SECONDS
            if time.monotonic() - self._tried_at < pause:
                return None
            self._tried_at = time.monotonic()
            self._fetching = threading.Thread(target=self._run, name="issuer-keys", daemon=True)
            self._fetching.start()
            return self._fetching

    def _run(self) -> None:
        try:
            found = self._client.get_signing_keys()
        except FAULTS as error:
            self._has_failed = True
            logger.warning("The identity provider's keys cannot be fetched: %s", error)
            return
        self._keys = {
            str(key.key_id): key for key in found if key.algorithm_name in settings.JWT_ALGORITHMS
        }
        self._fetched_at = time.monotonic()
        self._has_failed = False
