"""What `make run` does after the packages are there: everything up to a running server.

On the first start it imports the sample conversations and consents, and makes an admin user and an
API key, whose secrets it prints once. Every later start leaves them as they are. With DATA it
imports that folder instead, at each start what is new in it.
"""

import argparse
import os
import secrets
import socket
import sys
from pathlib import Path

from django.utils import timezone

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.chdir(ROOT)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

KEY_NAME = "demo"
ADMIN_NAME = "admin"
SAMPLE = ROOT / "demo" / "data"
SAMPLE_OWNER = "mei.tanaka"  # whose the sample's flat files are


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="", help="a council application's folder to import")
    parser.add_argument("--user-id", default="", help="whose the files are that name no owner")
    parser.add_argument("--no-server", action="store_true", help="prepare everything, then stop")
    options = parser.parse_args()
    keep_secret_key()

    import django
    from django.core.management import call_command

    django.setup()
    bind = os.environ.get("BIND", f"127.0.0.1:{os.environ.get('PORT', '8000')}")
    if not options.no_server:
        check_that_it_is_free(bind)
    call_command("migrate", verbosity=0)
    import_data(options.data, options.user_id)
    notices = [*make_admin(), *make_key()]
    print_addresses(bind, notices)
    if not options.no_server:
        server = str(Path(sys.executable).with_name("gunicorn"))
        arguments = ["-c", "config/gunicorn.py", "config.wsgi"]
        os.execv(server, [server, *arguments])


def keep_secret_key() -> None:
    """Log-ins must outlive a restart: without a SECRET_KEY one is written into .env."""
    file = ROOT / ".env"
    known = file.read_text() if file.exists() else ""
    given = "SECRET_KEY" in os.environ or "SECRET_KEY_FILE" in os.environ
    if given or any(line.startswith("SECRET_KEY") for line in known.splitlines()):
        return
    with file.open("a") as lines:
        begin = "" if known.endswith("\n") or not known else "\n"
        lines.write(f"{begin}SECRET_KEY={secrets.token_urlsafe(50)}\n")
    file.chmod(0o600)


def check_that_it_is_free(bind: str) -> None:
    """Ends with a sentence where another program listens, before anything is made."""
    host, _, port = bind.rpartition(":")
    if not port.isdigit():
        return  # no port: gunicorn knows other addresses, and says what is wrong with the rest
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host.strip("[]") or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except (OSError, OverflowError) as error:
        sys.exit(f"Cannot listen at {bind} ({error}). Another port: PORT=8001 make run")


def import_data(data: str, user_id: str) -> None:
    from django.core.management import CommandError, call_command

    from conversations.models import Conversation
    from demo.consents import make_consents

    arguments = ["--user-id", user_id] if user_id else []
    if not data:
        if Conversation.objects.exists():
            return
        make_consents()
        data, arguments = str(SAMPLE), ["--user-id", SAMPLE_OWNER]
    try:
        call_command("import_json", data, *arguments)
    except SystemExit:
        print("Some files were not imported; the lines above say why.")
    except CommandError as error:
        sys.exit(f"Nothing was imported: {error} (With make: DATA=folder OWNER=U.)")


def make_admin() -> list[str]:
    from django.contrib.auth.models import User

    if User.objects.filter(is_superuser=True).exists():
        return []
    password = secrets.token_urlsafe(12)
    User.objects.create_superuser(ADMIN_NAME, password=password)
    return [f"Admin user    {ADMIN_NAME}", f"Password      {password}"]


def make_key() -> list[str]:
    from access import actors
    from access.models import ApiKey
    from access.scopes import SCOPES
    from access.services import keys

    if ApiKey.objects.filter(name=KEY_NAME).exists():
        return []
    new = keys.create_key(name=KEY_NAME, scopes=SCOPES, actor=actors.SYSTEM, at=timezone.now())
    return [f"API key       {new.key}"]


def print_addresses(bind: str, notices: list[str]) -> None:
    base = f"http://{bind}"
    print()
    for notice in notices:
        print(notice)
    if notices:
        print("These are shown this once.\n")
    print(f"Admin         {base}/admin/")
    print(f"API           {base}/api/v1/conversations")
    print(f"API pages     {base}/api/v1/docs")
    print(f"API schema    {base}/api/v1/schema", flush=True)


if __name__ == "__main__":
    main()
