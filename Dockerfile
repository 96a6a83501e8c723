# The packages, with nothing of what it took to install them.
FROM python:3.11.15-slim-trixie@sha256:db3ff2e1800a8581e2c48a27c3995339d47bdf046da21c7627accd3d51053a93 AS packages
# Its wrappers need Perl, which the programs themselves do not: 50 MB.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql-client
WORKDIR /build
COPY requirements.txt .
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt \
    && /venv/bin/pip uninstall --yes pip setuptools

FROM python:3.11.15-slim-trixie@sha256:db3ff2e1800a8581e2c48a27c3995339d47bdf046da21c7627accd3d51053a93
# pg_dump, pg_restore and psql, for backups. They must not be older than the server.
COPY --from=packages /usr/lib/postgresql /usr/lib/postgresql
# hadolint ignore=DL3008,SC2211
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpq5 liblz4-1 libreadline8t64 libzstd1 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && for program in pg_dump pg_restore psql; do /usr/lib/postgresql/*/bin/$program --version || exit 1; done
RUN useradd --system --uid 10001 --user-group --no-create-home steward
COPY --from=packages /venv /venv
WORKDIR /srv/steward
COPY manage.py pyproject.toml LICENSE ./
COPY config config
COPY common common
COPY access access
COPY billing billing
COPY consent consent
COPY conversations conversations
COPY operations operations
COPY querycache querycache
COPY deploy/start.sh deploy/start.sh
# Ahead of time, since nothing can be written here later. Python's own library comes without.
RUN python -m compileall -q -x site-packages /usr/local/lib/python3.11 \
    && python -m compileall -q /venv/lib .
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 STEWARD_PRODUCTION=true
# `make image` says it. After all that it does not change.
ARG STEWARD_RELEASE=""
ENV STEWARD_RELEASE=$STEWARD_RELEASE
LABEL org.opencontainers.image.title="Steward" \
      org.opencontainers.image.description="Backend of record for applications that answer with language models" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version=$STEWARD_RELEASE \
      org.opencontainers.image.base.name="docker.io/library/python:3.11.15-slim-trixie"
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8000') + '/health/live', timeout=4)"]
CMD ["sh", "deploy/start.sh"]
