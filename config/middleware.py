"""Settings as well: what stands around views. The first one sees a request first."""

# Around every page, and around the views of EXTRA_APPS.
MIDDLEWARE = [
    "common.api.short_way.ShortWay",
    "operations.middleware.RequestMiddleware",
    "common.api.headers.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "common.api.headers.SingleHeadersMiddleware",
    "common.api.body_limit.BodyLimitMiddleware",
    "access.staff.NoNulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "operations.middleware.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "access.throttles.RateLimitMiddleware",
    "billing.middleware.CreditsMiddleware",
]

# Around what lies below /api/v1/, in place of all those: no sessions, no forms, no files.
API_MIDDLEWARE = [
    "operations.middleware.RequestMiddleware",
    "common.api.headers.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "common.api.headers.CorsMiddleware",
    "common.api.headers.SingleHeadersMiddleware",
    "common.api.body_limit.BodyLimitMiddleware",
    "common.api.headers.ApiAnswerMiddleware",
    "access.throttles.RateLimitMiddleware",
    "billing.middleware.CreditsMiddleware",
]
