from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from access import actors, staff_actions
from common.commands import Command as BaseCommand
from consent.services import texts


class Command(BaseCommand):
    help = "Publish a text to agree to. From then on nothing in it changes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="The text, in UTF-8.")
        parser.add_argument("--purpose", required=True, metavar="KEY", help="Such as terms.")
        parser.add_argument("--policy-version", required=True, type=int, metavar="N")
        parser.add_argument("--locale", default="en", help="Such as en or pt-BR (en).")
        parser.add_argument(
            "--material",
            action="store_true",
            help="Who agreed to an older version is asked again; until then the old consent holds.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        text = _read(options["file"])
        with transaction.atomic():
            policy, is_new = texts.publish_policy(
                purpose=options["purpose"],
                version=options["policy_version"],
                locale=options["locale"],
                text=text,
                material=options["material"],
                at=timezone.now(),
            )
            if is_new:
                staff_actions.record(
                    action="consent.publish", rows=[policy], actor=actors.SYSTEM,
                    at=timezone.now(), sentence=f"Published {policy.name}.",
                )  # fmt: skip
        done = "Published" if is_new else "Stands already, unchanged:"
        self.stdout.write(
            f"{done} {policy.name}, {len(policy.text)} characters, SHA-256 {policy.text_sha256}"
        )


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8: {error}.") from error
