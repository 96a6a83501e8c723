"""The floor of `benchmarks.floor`: a bare WSGI function that sends one statement by psycopg2.

No framework, no key, no rule, no promise: what is left is the server, the driver and PostgreSQL.
Each route answers with JSON that the database has written, about as long as Steward's.
"""

import json
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import psycopg2

PERSONS, HOT = 200, "hot"
TABLES = f"""
CREATE TABLE usage (user_id text PRIMARY KEY, tier text DEFAULT 'free', daily_used int DEFAULT 0,
    daily_limit int DEFAULT 10, monthly_used int DEFAULT 0, monthly_limit int DEFAULT 100);
CREATE TABLE account (user_id text PRIMARY KEY, tier text DEFAULT 'free',
    balance bigint DEFAULT 1000000000 CHECK (balance >= 0), sequence bigint DEFAULT 0,
    next_refill_at timestamptz DEFAULT now());
CREATE TABLE entry (id bigserial PRIMARY KEY, user_id text NOT NULL, sequence bigint NOT NULL,
    amount bigint NOT NULL, balance_after bigint NOT NULL, created_at timestamptz DEFAULT now(),
    UNIQUE (user_id, sequence));
CREATE TABLE consent (user_id text, purpose text, granted boolean DEFAULT true, version int,
    since timestamptz DEFAULT now(), PRIMARY KEY (user_id, purpose));
CREATE TABLE conversation (id bigserial PRIMARY KEY, uid uuid UNIQUE DEFAULT gen_random_uuid(),
    user_id text NOT NULL, title text, metadata jsonb DEFAULT '{{}}', message_count int DEFAULT 0,
    created_at timestamptz DEFAULT now());
CREATE INDEX ON conversation (user_id, created_at);
CREATE TABLE message (conversation_id bigint, position int, content jsonb,
    created_at timestamptz DEFAULT now(), PRIMARY KEY (conversation_id, position));
CREATE TABLE cached (user_id text PRIMARY KEY, answer text);
INSERT INTO usage (user_id) SELECT 'p' || n FROM generate_series(0, {PERSONS - 1}) n;
INSERT INTO account (user_id) SELECT user_id FROM usage UNION ALL SELECT '{HOT}';
INSERT INTO consent (user_id, purpose, version)
    SELECT user_id, purpose, 1 FROM usage, unnest(ARRAY['terms', 'marketing', 'history_storage',
    'training_use', 'shared_cache']) purpose;
INSERT INTO conversation (user_id, title, message_count)
    SELECT 'p' || n % 3, 'Which pump for well ' || n, 20 FROM generate_series(1, 300) n;
"""
FILL = (
    "INSERT INTO message (conversation_id, position, content) SELECT c, n, %s::jsonb"
    " FROM generate_series(1, 20) c, generate_series(1, 20) n",
    "INSERT INTO cached (user_id, answer) SELECT user_id, %s FROM usage",
)

ROUTES = {
    "usage": "SELECT row_to_json(u)::text FROM usage u WHERE user_id = %(person)s",
    "credits": "SELECT row_to_json(a)::text FROM account a WHERE user_id = %(person)s",
    "consent": "SELECT json_agg(c)::text FROM consent c WHERE user_id = %(person)s",
    "list": "SELECT json_agg(c)::text FROM (SELECT * FROM conversation"
    " WHERE user_id = %(person)s ORDER BY created_at DESC LIMIT 100) c",
    "conversation": "SELECT json_agg(m)::text FROM (SELECT * FROM message"
    " WHERE conversation_id = %(number)s ORDER BY position) m",
    "cached": "SELECT answer FROM cached WHERE user_id = %(person)s",
    "create": "INSERT INTO conversation AS c (user_id, title)"
    " SELECT %(person)s, %(body)s::jsonb ->> 'title' RETURNING row_to_json(c)::text",
    "charge": "WITH account AS (UPDATE account SET balance = balance - 1, sequence = sequence + 1"
    " WHERE user_id = %(person)s RETURNING user_id, sequence, balance)"
    " INSERT INTO entry AS e (user_id, sequence, amount, balance_after)"
    " SELECT user_id, sequence, -1, balance FROM account RETURNING row_to_json(e)::text",
    "append": "WITH c AS (UPDATE conversation SET message_count = message_count + 1"
    " WHERE id = %(number)s RETURNING id, message_count)"
    " INSERT INTO message AS m (conversation_id, position, content)"
    " SELECT id, message_count, %(body)s::jsonb FROM c RETURNING row_to_json(m)::text",
}

kept = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if not hasattr(kept, "cursor"):
        connection = psycopg2.connect(os.environ["DATABASE_URL"])
        connection.autocommit = True
        kept.cursor = connection.cursor()
    given = parse_qs(environ["QUERY_STRING"])
    values = {
        "person": environ.get("HTTP_X_USER_ID"),
        "number": given.get("number", ["0"])[0],
        "body": environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode(),
    }
    kept.cursor.execute(ROUTES[environ["PATH_INFO"][1:]], values)
    content = kept.cursor.fetchone()[0].encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    start_response("200 OK", headers)
    return [content]


def fill(url: str, answer: dict[str, Any]) -> None:
    """Make the tables; messages and cached answers are this one."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(TABLES)
        for statement in FILL:
            cursor.execute(statement, [json.dumps(answer)])
    connection.close()
