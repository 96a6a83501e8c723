import datetime
import json
import sys
from itertools import islice
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from common import declarations
from common.commands import Command as BaseCommand
from common.declarations import Check
from operations import repairs, verified
from operations.maintenance import VERIFY, kept
from operations.models import MaintenanceRun

SHOWN = 20
DRIFT, COULD_NOT_RUN = 1, 2


def _moment(text: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return moment.astimezone(datetime.UTC)
    except (ValueError, OverflowError) as error:
        raise CommandError(
            f"--since takes a date or a time like 2026-11-28T17:00Z, not {text!r}.",
            returncode=COULD_NOT_RUN,
        ) from error


def _said_of(base: MaintenanceRun | None) -> str:
    if base is None:
        return "No clean run is known: all is looked at."
    return f"Since the clean run of {base.started_at:%Y-%m-%d %H:%M:%S} UTC:"


class Command(BaseCommand):
    help = (
        "Derives what is stored anew and compares. Exit code 0: all as it should be;"
        " 1: something is not; 2: it could not run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document, not lines")
        parser.add_argument(
            "--repair", action="store_true", help="say how what is torn would be put right"
        )
        parser.add_argument(
            "--head",
            metavar="NUMBER:CHAIN",
            help="a head of the ledger's seals that was kept outside: does it still stand?",
        )
        parser.add_argument(
            "--since",
            nargs="?",
            const="",
            metavar="WHEN",
            help="of rows that are only ever added look at those that came after the last clean"
            " run; or after the last one before WHEN, a date or a time of ISO 8601",
        )
        parser.add_argument("--yes", action="store_true", help="with --repair: do it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["yes"] and not options["repair"]:
            raise CommandError("--yes goes with --repair.", returncode=COULD_NOT_RUN)
        since = options["since"]
        if options["repair"] and (options["json"] or options["head"] or since is not None):
            raise CommandError("--repair goes alone, or with --yes.", returncode=COULD_NOT_RUN)
        if options["repair"]:
            self._repair(do_it=options["yes"])
            return
        before = _moment(since) if since else None
        run = MaintenanceRun(task=VERIFY, started_at=timezone.now(), items=0)
        try:
            with kept(run):
                base = verified.last_clean(before) if since is not None else None
                if since is not None and not options["json"]:
                    self.stdout.write(_said_of(base))
                document = self._verify(
                    run, base.ends if base else {}, head=options["head"], as_json=options["json"]
                )
                if since is not None:
                    document["since"] = base.started_at.isoformat() if base else None
                if options["json"]:
                    self.stdout.write(json.dumps(document, indent=2))
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"Could not run: {error}", returncode=COULD_NOT_RUN) from error
        if run.items:
            sys.exit(DRIFT)

    def _verify(
        self, run: MaintenanceRun, ends: dict[str, int], *, head: str | None, as_json: bool
    ) -> dict[str, Any]:
        """Look at what has keys above `ends`; what was found, as --json tells it."""
        run.ends = verified.ends()
        with verified.one_moment():
            results = [
                self._result(check, ends.get(check.name, 0), as_json)
                for check in declarations.checks()
            ]
            heads = {known.name: known.tell() for known in declarations.heads()}
            lost = head is not None and not any(known.holds(head) for known in declarations.heads())
        run.items = sum(result["problems"] for result in results) + lost
        if run.items:
            run.error = f"{run.items} problems"
        told: dict[str, Any] = {"clean": run.items == 0, "heads": heads, "checks": results}
        if as_json:
            return told | ({"head_lost": True} if lost else {})
        for name, known in heads.items():
            self.stdout.write(f"head {name:30}{known}")
        if lost:
            self.stdout.write(f"BAD  the head {head} does not stand any more")
        self.stdout.write(f"{run.items} problems." if run.items else "All is as it should be.")
        return told

    def _repair(self, *, do_it: bool) -> None:
        """Ends with 1 when something is to be done, or is left for people to decide."""
        try:
            planned = []
            for name, tear, rows in repairs.done() if do_it else repairs.planned():
                self.stdout.write(f"{name:20}{tear.sentence}" + (f": {rows} rows" if rows else ""))
                planned.append(tear)
            left = list(repairs.left(() if do_it else planned))
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"Could not run: {error}", returncode=COULD_NOT_RUN) from error
        for check, sentence in left:
            self.stdout.write(f"LEFT {check.name:30}{sentence}")
        for hint in sorted({repairs.hint(check) for check, _ in left}):
            self.stdout.write(hint)
        if planned and not do_it:
            self.stdout.write(f"Nothing was done. With --yes these {len(planned)} would be mended.")
        elif not left:
            self.stdout.write("All is as it should be.")
        if left or planned and not do_it:
            sys.exit(DRIFT)

    def _result(self, check: Check, after: int, as_json: bool) -> dict[str, Any]:
        found = iter(check.find(after=after) if after else check.find())
        shown = list(islice(found, SHOWN))
        problems = len(shown) + sum(1 for _ in found)
        if not as_json:
            self.stdout.write(f"{'BAD' if problems else 'ok':5}{check.name:30}{check.title}")
            for sentence in shown:
                self.stdout.write(f"     {sentence}")
            if problems > SHOWN:
                self.stdout.write(f"     … and {problems - SHOWN} more")
        return {
            "name": check.name,
            "title": check.title,
            "problems": problems,
            "first": shown,
        }
