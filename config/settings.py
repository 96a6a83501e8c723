"""All settings. Environments differ by variables alone; docs/configuration.md lists each of them.

Every variable is read once, here, with a typed default. Any of them may also come from `.env`
beside manage.py, or from a file named by the same variable with `_FILE` added (container secrets).
The web server's own few are in config/gunicorn.py.
"""

import datetime
import secrets
from pathlib import Path
from typing import Any

import dj_database_url
import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

from config.middleware import API_MIDDLEWARE as API_MIDDLEWARE
from config.middleware import MIDDLEWARE as MIDDLEWARE

BASE_DIR = Path(__file__).resolve().parent.parent


class Values(FileAwareMapping):
    """Variables, or files of the same name with `_FILE` added, without their final line break."""

    def __getitem__(self, key: str) -> str:
        value: str = super().__getitem__(key)
        return value.rstrip("\r\n")


env = environ.FileAwareEnv()
env.ENVIRON = Values()
env.read_env(BASE_DIR / ".env")

# Where it runs. Hosting platforms set their own variable, so that nobody can forget ours.
PRODUCTION = (
    env.bool("STEWARD_PRODUCTION", default=False)
    or bool(env.str("RAILWAY_ENVIRONMENT", default=""))
    or bool(env.str("VERCEL", default=""))
)
DEBUG = env.bool("DEBUG", default=False)

# operations/checks.py refuses to start in production without these two.
SECRET_KEY_GIVEN = bool(env.str("SECRET_KEY", default=""))
DATABASE_URL_GIVEN = bool(env.str("DATABASE_URL", default=""))

SECRET_KEY = env.str("SECRET_KEY", default="") or secrets.token_urlsafe(50)
# The keys before this one: what they signed is still taken.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["*"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# Applications: EXTRA_APPS are your own, beside Steward's and after them (common/apps.py).
EXTRA_APPS = env.list("EXTRA_APPS", default=[])
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "common.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "common",
    "access",
    "billing",
    "consent",
    "querycache",
    "conversations",
    "operations",
    *EXTRA_APPS,
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# The database: SQLite in a file beside manage.py, or what DATABASE_URL says.
DB_POOL = env.bool("DB_POOL", default=True)
DATABASE: dict[str, Any] = dict(
    dj_database_url.parse(
        env.str("DATABASE_URL", default="") or f"sqlite:///{BASE_DIR / 'steward.sqlite3'}"
    )
)
if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    DATABASE |= {
        "ENGINE": "operations.sqlite",
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # Without IMMEDIATE a transaction that reads before it writes fails with "database is
            # locked" (527 of 900 in a trial with six writers; none with it).
            "transaction_mode": "IMMEDIATE",
            "timeout": env.int("SQLITE_TIMEOUT", default=20),
            # FULL: an answered write survives a power cut, too. And what is deleted is overwritten.
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
            ),
        },
        # Threads of one test must meet on a file: the in-memory database locks whole tables.
        "TEST": {"NAME": str(BASE_DIR / "test.sqlite3")},
    }
elif DATABASE["ENGINE"] == "django.db.backends.postgresql":
    DATABASE |= {
        "ENGINE": "operations.postgresql",
        # With the pool a connection goes back after each request. Without it (behind PgBouncer,
        # which must not see server-side cursors) each thread keeps its own.
        "CONN_MAX_AGE": 0 if DB_POOL else 600,
        "CONN_HEALTH_CHECKS": not DB_POOL,
        "DISABLE_SERVER_SIDE_CURSORS": not DB_POOL,
        "OPTIONS": {
            # A server whose host has vanished is given up after 25 seconds of silence: keepalive
            # finds it out while an answer is awaited, the other one while a statement is sent.
            "connect_timeout": env.int("DB_CONNECT_TIMEOUT", default=5),
            "tcp_user_timeout": int(1000 * env.float("DB_TCP_USER_TIMEOUT", default=25.0)),
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            **DATABASE.get("OPTIONS", {}),
        },
        # Milliseconds. PgBouncer refuses them, so that without the pool they must be asked for.
        "LIMITS": {
            name: int(seconds * 1000)
            for name, seconds in (
                (
                    "statement_timeout",
                    env.float("DB_STATEMENT_TIMEOUT", default=30.0 if DB_POOL else 0.0),
                ),
                ("lock_timeout", env.float("DB_LOCK_TIMEOUT", default=10.0 if DB_POOL else 0.0)),
                (
                    "idle_in_transaction_session_timeout",
                    env.float("DB_IDLE_TRANSACTION_TIMEOUT", default=60.0 if DB_POOL else 0.0),
                ),
            )
        },
        # PostgreSQL's own 4 is of disks that turn: with it a list reads and sorts all rows of a
        # person, where an index has the first ones in order.
        "PLANNER": {
            "random_page_cost": env.float("DB_RANDOM_PAGE_COST", default=1.1 if DB_POOL else 0.0)
        },
        "POOL": {
            "pool_size": env.int("DB_POOL_SIZE", default=5),
            "max_overflow": env.int("DB_MAX_OVERFLOW", default=10),
            "timeout": env.float("DB_POOL_TIMEOUT", default=30.0),
            "recycle": env.int("DB_POOL_RECYCLE", default=3600),
            "ping_after_idle_seconds": env.float("DB_POOL_PING_AFTER_IDLE", default=1.0),
        }
        if DB_POOL
        else None,
    }
DATABASES = {"default": DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Staff's log-in. Whoever gives too many wrong passwords for one name is locked out for a while, by
# name and address; the address is right behind PROXY_COUNT proxies alone.
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = env.int("LOGIN_FAILURE_LIMIT", default=5)
AXES_COOLOFF_TIME = datetime.timedelta(minutes=env.int("LOGIN_LOCK_MINUTES", default=15))
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "access.staff.locked_out"
AXES_CLIENT_IP_CALLABLE = "access.staff.client_ip"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Language and time: UTC inside and on the wire.
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"

# Static files of the admin and the API page are served from the installed packages themselves, so
# that there is no collecting step and a read-only container works.
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600

# Behind a proxy that ends TLS, the scheme comes from X-Forwarded-Proto.
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=PRODUCTION)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# And the client's address from X-Forwarded-For, to which each proxy adds one.
PROXY_COUNT = env.int("PROXY_COUNT", default=int(BEHIND_PROXY))
# And from whom that header is believed; empty: from everybody.
PROXY_ADDRESSES = env.list("PROXY_ADDRESSES", default=[])
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]  # asked over plain http from inside
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_HTTPONLY = True
# Where a log-in leads that came from no page.
LOGIN_REDIRECT_URL = "admin:index"
SESSION_COOKIE_AGE = env.int("SESSION_SECONDS", default=43_200)

# Pages of other origins that may call the API from a browser. No cookie is sent along: the API
# knows a caller by the header Authorization alone.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
CORS_ALLOW_HEADERS = [
    "accept", "authorization", "content-type", "idempotency-key", "x-request-id", "x-user-id",
    "x-user-tier",
]  # fmt: skip
CORS_EXPOSE_HEADERS = [
    "Cache-Status", "Content-Disposition", "Idempotency-Replayed", "Location", "RateLimit",
    "RateLimit-Policy", "Retry-After", "WWW-Authenticate", "X-Credits-Available",
    "X-Credits-Charged", "X-Request-ID",
]  # fmt: skip

# Larger bodies than MAX_BODY_BYTES are answered with 413, at every address.
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", default=5 * 1024 * 1024)
# A form's files stay in memory, where all of a body has room: nobody writes to the disk by sending.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
IDEMPOTENCY_KEY_REQUIRED = env.bool("IDEMPOTENCY_KEY_REQUIRED", default=False)
# Last uses of keys are collected in memory and written this often; a crash loses one interval.
# 0 never writes by itself (the tests do that).
DEFERRED_WRITE_SECONDS = env.float("DEFERRED_WRITE_SECONDS", default=5.0)
# How long a process remembers a service key that it found active; 0 looks at each request.
API_KEY_CACHE_SECONDS = env.float("API_KEY_CACHE_SECONDS", default=1.0)

# A person's own token (JWT). Without an issuer only service keys are taken.
JWT_ISSUER = env.str("JWT_ISSUER", default="")
JWT_AUDIENCE = env.list("JWT_AUDIENCE", default=[])
JWT_ALGORITHMS = env.list("JWT_ALGORITHMS", default=["RS256", "ES256"])
JWT_JWKS_URL = env.str("JWT_JWKS_URL", default="")
# In one line, its line breaks are written as \\n.
JWT_PUBLIC_KEY = env.str("JWT_PUBLIC_KEY", default="").replace("\\n", "\n")

# Requests per service key and per person, such as 600/min; empty: not limited.
RATE_LIMIT_KEY = env.str("RATE_LIMIT_KEY", default="")
RATE_LIMIT_PERSON = env.str("RATE_LIMIT_PERSON", default="")

# Billing. 402 is the refusal's own status; clients of the original know 429.
CREDITS_EXHAUSTED_STATUS = env.int("CREDITS_EXHAUSTED_STATUS", default=402)
# What views cost, by the name of their route: CREDITS_COSTS=ask=1;summary=3.
CREDITS_COSTS = env.dict("CREDITS_COSTS", cast={"value": int}, default={})
# How long the credits of a paid view's call stay set aside, should its process die.
CREDITS_HOLD_SECONDS = env.int("CREDITS_HOLD_SECONDS", default=300)

# Consent: which gates are on (purposes, such as history_storage), and the language of texts where
# the asker names none. IP addresses in evidence are left out, or cut to their network.
CONSENT_GATES = env.list("CONSENT_GATES", default=[])
CONSENT_DEFAULT_LOCALE = env.str("CONSENT_DEFAULT_LOCALE", default="en")
CONSENT_STORE_IP = env.bool("CONSENT_STORE_IP", default=False)

# The query cache: how long a caller has for making an answer that others wait for, and the threads
# of a process (config/gunicorn.py), of which at most half wait.
CACHE_LEASE_SECONDS = env.int("CACHE_LEASE_SECONDS", default=60)
# Callers name namespaces; one that puts an id into the name must not fill the table.
CACHE_MAX_NAMESPACES = env.int("CACHE_MAX_NAMESPACES", default=1000)
WEB_THREADS = env.int("WEB_THREADS", default=8)

# Keeping. Conversations that lie idle for longer go with `maintain`; 0 keeps them for good.
CONVERSATION_RETENTION_DAYS = env.int("CONVERSATION_RETENTION_DAYS", default=0)
# Any of them may have sealed entries of the ledger; the first seals from now on.
LEDGER_SEAL_KEYS = [
    key
    for key in (
        env.str("LEDGER_SEAL_KEY", default=""),
        SECRET_KEY if SECRET_KEY_GIVEN else "",
        *env.list("LEDGER_SEAL_KEY_FALLBACKS", default=[]),
        *SECRET_KEY_FALLBACKS,
    )
    if key
]

# With it a keyed hash of every erased id is kept, and no import or restore brings the person back.
ERASED_PERSONS_KEY = env.str("ERASED_PERSONS_KEY", default="")
# The folder of pg_dump, pg_restore and psql; empty: the newest that is found.
PG_BIN = env.str("PG_BIN", default="")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["access.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "access.permissions.HasScope",
        "access.permissions.ActsForPerson",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["access.throttles.RequestRates"],
    "DEFAULT_RENDERER_CLASSES": ["common.api.wire.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.api.wire.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "common.api.wire.AlwaysJSON",
    "DEFAULT_METADATA_CLASS": "common.api.wire.AllowAlone",
    "DEFAULT_SCHEMA_CLASS": "common.api.openapi.Schema",
    "EXCEPTION_HANDLER": "common.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Steward",
    "DESCRIPTION": "The backend of record for applications that answer with language models.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": ["common.api.openapi.describe"],
    "ENFORCE_NON_BLANK_FIELDS": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

UNFOLD = {
    "SITE_TITLE": "Steward",
    "SITE_HEADER": "Steward",
    "SITE_SYMBOL": "inventory_2",
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
}

# Logs go to standard error: JSON for machines, lines for people.
LOG_FORMAT = env.str("LOG_FORMAT", default="json" if PRODUCTION else "line")
if LOG_FORMAT not in ("json", "line"):
    raise ImproperlyConfigured("LOG_FORMAT is json or line.")
# Statements that take longer are logged, without their parameters.
SLOW_QUERY_SECONDS = env.float("SLOW_QUERY_SECONDS", default=1.0)
# How often the numbers of the pool are logged; 0: never.
POOL_LOG_SECONDS = env.float("POOL_LOG_SECONDS", default=60.0)
# What the image was built from; empty: operations/release.py asks git.
STEWARD_RELEASE = env.str("STEWARD_RELEASE", default="")
# Where traces go, and where faults go; each needs packages of its own. Empty: nowhere.
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
SENTRY_DSN = env.str("SENTRY_DSN", default="")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "operations.logs.JSONFormatter"},
        "line": {"()": "operations.logs.LineFormatter"},
    },
    "filters": {"only_exceptions": {"()": "operations.logs.OnlyExceptions"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # Every answer has its line by operations.requests; Django's own say less about the same.
    "loggers": {
        "django.request": {"level": "ERROR", "filters": ["only_exceptions"]},
        "django.server": {"level": "CRITICAL"},
        # With DEBUG it would log every statement with its parameters, which are people's texts.
        "django.db.backends": {"level": "INFO"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "axes": {"level": "WARNING"},
    },
}
