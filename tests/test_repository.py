"""The rules of the whole repository, each held for every module, model and name at once."""

import ast
import inspect
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from access.models import Person
from tests.engines import sees_the_engine

ROOT = Path(__file__).resolve().parent.parent
EVERYTHING = {"config", "common", "access", "conversations", "billing", "consent", "querycache",
              "operations", "tests", "demo", "benchmarks"}  # fmt: skip
ANSWERING = {"access", "common"}

# Who may import whom, besides itself. No app imports config: settings come from django.conf.
ARROWS = {
    "common": set(),
    "access": {"common"},
    "billing": ANSWERING,
    "consent": ANSWERING,
    "querycache": {"consent"} | ANSWERING,
    "conversations": {"billing", "consent", "querycache"} | ANSWERING,
    "operations": ANSWERING,
    "config": EVERYTHING - {"tests", "demo", "benchmarks"},
    "demo": EVERYTHING,
    "benchmarks": EVERYTHING,
    "tests": EVERYTHING,
    "manage.py": set(),
    "docs": set(),
}

FORBIDDEN_NAMES = {
    "utils.py", "helpers.py", "managers.py", "selectors.py", "repositories.py", "signals.py",
    "mixins.py", "constants.py", "types.py",
}  # fmt: skip
# About the repository itself, so that no folder of an app is theirs.
ROOT_TESTS = {"test_docs.py", "test_repository.py", "test_routes.py"}

# What has tests: each package, the pages of all of them as a browser shows them, and raw SQL
# against the tables of all of them.
FOLDERS = {*ARROWS, "browser", "attacks"}

LONGEST_FUNCTION = 50
LONGEST_FILE = 400
LONGEST_INDEX_NAME = 30
LONGEST_NAME_IN_POSTGRESQL = 63


@cache
def python_files() -> list[Path]:
    """Every module of the project, relative to its root."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(folder, name).relative_to(ROOT) for name in names if name.endswith(".py")]
    return sorted(found)


def without_migrations() -> list[Path]:
    return [path for path in python_files() if "migrations" not in path.parts]


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))))


def nodes(kind: type[Any] | tuple[type[Any], ...]) -> Iterator[tuple[str, Any]]:
    """Every node of that kind in the project, with the place where it stands."""
    for path in without_migrations():
        for node in nodes_of(path):
            if isinstance(node, kind):
                yield f"{path}:{getattr(node, 'lineno', 1)}", node


def imported(node: ast.AST) -> set[str]:
    """The top-level packages that an import statement names."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return {(node.module or "").partition(".")[0]}
    return set()


def modules_named(node: ast.AST) -> set[str]:
    """The modules that an import statement names, whole."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {node.module}
    return set()


def our_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.partition(".")[0] in ARROWS]


def list_of(problems: Iterator[str]) -> list[str]:
    return sorted(problems)


class TestImports:
    def test_every_package_has_its_arrows(self) -> None:
        assert {path.parts[0] for path in python_files()} <= set(ARROWS)

    @pytest.mark.parametrize("package", ARROWS)
    def test_point_one_way(self, package: str) -> None:
        allowed = ARROWS[package] | {package}
        wrong = (
            f"{path}:{node.lineno} imports {name}"
            for path in python_files()
            if path.parts[0] == package
            for node in nodes_of(path)
            for name in imported(node) & EVERYTHING - allowed
        )

        assert list_of(wrong) == []


class TestModules:
    def test_have_names_that_say_what_they_hold(self) -> None:
        assert [str(path) for path in python_files() if path.name in FORBIDDEN_NAMES] == []

    def test_of_tests_lie_in_the_folder_of_what_they_test(self) -> None:
        astray = [
            str(path)
            for path in python_files()
            if path.name.startswith("test_")
            and not (path.parts[0] == "tests" and len(path.parts) >= 3 and path.parts[1] in FOLDERS)
            and not (path.parent == Path("tests") and path.name in ROOT_TESTS)
        ]

        assert astray == []


class TestServices:
    def test_know_nothing_of_http(self) -> None:
        webs = {"rest_framework", "django.http", "django.urls"}
        wrong = (
            f"{place} imports {module}"
            for place, node in nodes((ast.Import, ast.ImportFrom))
            if "services" in re.split(r"\W", place)
            for module in modules_named(node)
            if any(module == web or module.startswith(f"{web}.") for web in webs)
        )

        assert list_of(wrong) == []

    def test_are_called_through_their_modules(self) -> None:
        packages = [path for path in ROOT.glob("*/services/__init__.py") if path.read_text()]

        # What applications of your own call.
        assert packages == [ROOT / "conversations/services/__init__.py"]


class TestCode:
    def test_has_no_file_of_more_than_one_subject(self) -> None:
        long = (
            f"{path}: {lines} lines"
            for path in without_migrations()
            if (lines := (ROOT / path).read_text().count("\n")) > LONGEST_FILE
        )

        assert list_of(long) == []

    def test_has_no_function_longer_than_a_screen(self) -> None:
        long = (
            f"{place} {node.name}: {node.end_lineno - node.lineno + 1} lines"
            for place, node in nodes((ast.FunctionDef, ast.AsyncFunctionDef))
            if node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
        )

        assert list_of(long) == []

    def test_catches_only_what_it_can_name(self) -> None:
        everything = {"None", "Exception", "BaseException"}
        caught = (
            place
            for place, node in nodes(ast.ExceptHandler)
            for name in ast.walk(node.type or ast.Name("None"))
            if isinstance(name, ast.Name) and name.id in everything
        )

        # A function of somebody else's that gives a cost: whatever it raises is a refusal. And a
        # thread's error, which is raised again in the one that waits for it.
        places = [place.partition(":")[0] for place in list_of(caught)]
        assert places == ["billing/costs.py", "operations/in_time.py"]

    def test_of_services_is_told_the_time(self) -> None:
        looked = (
            place
            for place, node in nodes(ast.Call)
            if "services" in re.split(r"\W", place)
            and ast.unparse(node.func).endswith((".now", ".today", ".utcnow", "time.time"))
        )

        # What applications of your own call, which need not know the moment.
        places = [place.partition(":")[0] for place in list_of(looked)]
        assert places == ["conversations/services/__init__.py"]

    def test_counts_statements_by_our_own_helper(self) -> None:
        # Without `with` it checks nothing, and it counts savepoints, which differ by engine.
        used = (place for place, node in nodes(ast.Attribute) if node.attr == "assertNumQueries")

        assert list_of(used) == []

    def test_skips_no_test(self) -> None:
        marks = {"pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail", "pytest.skip",
                 "pytest.xfail", "pytest.importorskip", "unittest.skip"}  # fmt: skip
        used = (place for place, node in nodes(ast.Attribute) if ast.unparse(node) in marks)

        assert list_of(used) == []


class TestATestThatSeesNoDatabase:
    """It runs with SQLite alone (tests/engines.py)."""

    def test_is_refused_one(self) -> None:
        with pytest.raises(RuntimeError, match="Database access not allowed"):
            Person.objects.exists()

    def test_does_not_look_at_the_engine(self, request: pytest.FixtureRequest) -> None:
        blind = {item.module for item in request.session.items if not sees_the_engine(item)}
        looking = [one for one in blind if re.search("[.]vendor", inspect.getsource(one))]

        assert [module.__name__ for module in looking] == []


class TestModels:
    def test_state_which_of_their_fields_are_personal(self) -> None:
        for model in our_models():
            privacy: Any = vars(model).get("Privacy")
            fields = {field.name for field in model._meta.concrete_fields}
            assert privacy is not None, f"{model.__name__} has no class Privacy"
            assert privacy.personal & privacy.not_personal == set(), model.__name__
            assert privacy.personal | privacy.not_personal == fields, model.__name__

    def test_declare_nothing_that_export_and_erasure_do_not_know(self) -> None:
        # A misspelt `blanked_on_erasure` would have the rows deleted.
        known = {"personal", "not_personal", "person", "blanked_on_erasure", "lock_first"}
        for model in our_models():
            names = {name for name in vars(vars(model)["Privacy"]) if not name.startswith("__")}
            assert names <= known, model.__name__

    def test_call_a_persons_id_personal(self) -> None:
        for model in our_models():
            if "user_id" in {field.name for field in model._meta.concrete_fields}:
                assert "user_id" in model.Privacy.personal, model.__name__  # type: ignore[attr-defined]

    def test_name_their_constraints_by_app_and_rule(self) -> None:
        names = [
            (model._meta.app_label, constraint.name)
            for model in our_models()
            for constraint in model._meta.constraints
        ]

        assert [name for app, name in names if not name.startswith(f"{app}_")] == []
        assert [name for _, name in names if len(name) > LONGEST_NAME_IN_POSTGRESQL] == []

    def test_name_their_indexes_within_djangos_limit(self) -> None:
        names = [index.name for model in our_models() for index in model._meta.indexes]

        assert [name for name in names if len(name) > LONGEST_INDEX_NAME] == []
        assert len(names) == len(set(names)), "two indexes have one name"


class TestRequirements:
    @pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
    def test_are_pinned_with_hashes(self, name: str) -> None:
        text = (ROOT / name).read_text().replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]

        assert lines
        assert [line[:60] for line in lines if not re.match(r"[\w.-]+(\[.*\])?==\S+", line)] == []
        assert [line[:60] for line in lines if "--hash=sha256:" not in line] == []

    @pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
    def test_hold_no_psycopg_3(self, name: str) -> None:
        # Django takes it wherever it imports, and the pool is made for psycopg2.
        assert re.findall(r"^psycopg(?!2)[\w-]*", (ROOT / name).read_text(), re.M) == []
