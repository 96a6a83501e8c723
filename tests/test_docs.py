"""The documents are held to the code: whatever the code knows stands in them, and nothing else."""

import argparse
import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core import management
from django.core.management import (
    BaseCommand,
    call_command,
    find_commands,
    get_commands,
    load_command_class,
)
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator

from common.api import problems
from tests.access import matrix

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
DOCUMENTS = sorted(
    [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "CONTRIBUTING.md",
        *DOCS.rglob("*.md"),
        *ROOT.glob("*/README.md"),
    ]
)
DECISIONS = sorted((DOCS / "adr").glob("[0-9]*.md"))
PAPERS = [
    ROOT / "CONTRIBUTING.md",
    DOCS / "glossary.md",
    DOCS / "upgrading.md",
    DOCS / "adr" / "README.md",
    *DECISIONS,
]
LINES_OF_A_PAGE = 60
READ_BY = ("config/settings.py", "config/gunicorn.py", "demo/start.py")
# demo/start.py only sets it, for Django.
SET_NOT_READ = {"DJANGO_SETTINGS_MODULE"}
API = "/api/v1"


def table_rows(path: Path) -> Iterator[list[str]]:
    """The cells of each table row whose first cell is one `name`."""
    for line in path.read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if line.startswith("| `") and re.fullmatch(r"`[^`]+`", cells[0]):
            yield [cells[0].strip("`"), *cells[1:]]


# Variables


def variables_read() -> dict[str, ast.expr | None]:
    """Each environment variable that the code reads, with the expression of its default."""
    found: dict[str, ast.expr | None] = {}
    for name in READ_BY:
        for call in ast.walk(ast.parse((ROOT / name).read_text())):
            if isinstance(call, ast.Call) and is_read_of_environment(call.func) and call.args:
                variable = ast.literal_eval(call.args[0])
                named = [keyword.value for keyword in call.keywords if keyword.arg == "default"]
                found.setdefault(variable, next(iter([*named, *call.args[1:]]), None))
    return {name: default for name, default in found.items() if name not in SET_NOT_READ}


def is_read_of_environment(function: ast.expr) -> bool:
    source = ast.unparse(function)
    return source == "os.environ.get" or re.fullmatch(r"env\.(?!read_env)\w+", source) is not None


def shown_defaults() -> dict[str, str]:
    """Each default that does not depend on anything, as one writes it in the environment."""
    shown = {}
    for name, default in variables_read().items():
        if default is None or any(isinstance(part, ast.Name) for part in ast.walk(default)):
            continue
        value = eval(ast.unparse(default), {})
        written = ",".join(value) if isinstance(value, list) else str(value)
        if isinstance(value, bool):
            written = written.lower()
        shown[name] = "" if value in ([], {}) else written
    return shown


def example_lines() -> dict[str, str]:
    lines = re.findall(r"^# ?([A-Z][A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.M)
    assert len(lines) == len(dict(lines)), "a variable stands twice in .env.example"
    return dict(lines)


class TestVariables:
    def test_all_stand_in_the_table_and_nothing_else_does(self) -> None:
        named = [cells[0] for cells in table_rows(DOCS / "configuration.md")]

        assert sorted(named) == sorted(variables_read())

    def test_all_stand_in_the_example_and_nothing_else_does(self) -> None:
        assert set(example_lines()) == set(variables_read())

    def test_the_example_sets_nothing_by_itself(self) -> None:
        lines = (ROOT / ".env.example").read_text().splitlines()

        assert [line for line in lines if line and not line.startswith("#")] == []

    def test_defaults_are_those_of_the_code(self) -> None:
        rows = table_rows(DOCS / "configuration.md")
        in_table = {cells[0]: cells[1].strip("`").replace("empty", "") for cells in rows}
        in_example = example_lines()

        for name, default in shown_defaults().items():
            assert (name, in_table[name], in_example[name]) == (name, default, default)


# Error codes


class TestErrorCodes:
    def test_all_stand_in_the_table_with_their_status_and_nothing_else_does(self) -> None:
        rows = list(table_rows(DOCS / "errors.md"))

        assert {cells[0]: int(cells[1]) for cells in rows} == problems.problem_codes()
        assert len(rows) == len(problems.problem_codes()), "a code stands twice"

    def test_each_row_says_what_it_means_and_what_to_do(self) -> None:
        for cells in table_rows(DOCS / "errors.md"):
            assert len(cells) == 4 and all(cells), cells


# Routes


def routes(patterns: list[Any], before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        else:
            yield path, pattern


def methods(callback: Any) -> list[str]:
    if getattr(callback, "actions", None):
        return [method.upper() for method in callback.actions if method != "head"]
    offered = callback.cls.http_method_names
    return [
        method.upper()
        for method in offered
        if hasattr(callback.cls, method) and method not in ("head", "options")
    ]


def unnamed(path: str) -> str:
    """A path without the names of its parts, which differ between code and document."""
    return re.sub(r"<[^>]+>|\{[^}]+\}", "{}", path)


class TestRoutes:
    def test_all_have_a_section_and_nothing_else_has(self) -> None:
        served = {
            f"{method} {unnamed(path.removeprefix(API))}"
            for path, pattern in routes(get_resolver().url_patterns)
            if path.startswith((f"{API}/", "/health/", "/metrics"))
            for method in methods(pattern.callback)
        }
        headings = re.findall(r"^### `([A-Z]+ /[^`]*)`$", (DOCS / "api.md").read_text(), re.M)

        assert sorted(unnamed(heading) for heading in headings) == sorted(served)


# Commands


def our_commands() -> dict[str, argparse.ArgumentParser]:
    ours = {app.name for app in apps.get_app_configs() if Path(app.path).parent == ROOT}
    django_s = find_commands(management.__path__[0])  # ours may stand in for one of these
    return {
        name: load_command_class(app, name).create_parser("manage.py", name)
        for name, app in get_commands().items()
        if app in ours and name not in django_s
    }


def option_strings(parser: argparse.ArgumentParser) -> set[str]:
    return {string for action in parser._actions for string in action.option_strings}


def command_sections() -> dict[str, str]:
    parts = re.split(r"^## `(\w+)[^`]*`$", (DOCS / "commands.md").read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


class TestCommands:
    def test_all_have_a_section_and_nothing_else_has(self) -> None:
        assert set(command_sections()) == set(our_commands())

    def test_sections_name_every_option_and_no_other(self) -> None:
        djangos = option_strings(BaseCommand().create_parser("manage.py", ""))

        for name, parser in our_commands().items():
            named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", command_sections()[name]))
            assert named - djangos == option_strings(parser) - djangos, name

    def test_sections_name_every_argument_and_choice(self) -> None:
        for name, parser in our_commands().items():
            section = command_sections()[name]
            own = [action for action in parser._actions if action.dest not in ("version", "help")]
            for action in own:
                if not action.option_strings:
                    assert str(action.metavar or action.dest).upper() in section, (name, action)
                elif (
                    "--scopes" in action.option_strings or "--on-conflict" in action.option_strings
                ):
                    missing = [
                        str(choice)
                        for choice in action.choices or ()
                        if f"`{choice}`" not in section
                    ]
                    assert not missing, (name, action.dest)


# Links and the OpenAPI file


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.M)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


class TestLinks:
    @pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
    def test_resolve(self, document: Path) -> None:
        text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.M | re.S)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (document.parent / path).resolve() if path else document
            assert target.exists(), link
            assert target.is_relative_to(ROOT), link
            assert not anchor or anchor in anchors(target), link

    def test_the_index_leads_to_every_document(self) -> None:
        index = (DOCS / "index.md").read_text()

        assert [
            path.name
            for path in [*DOCS.glob("*.md"), *DOCS.glob("*.yaml")]
            if path.name != "index.md" and f"({path.name})" not in index
        ] == []


# The papers of those who change it


class TestDecisions:
    def test_are_numbered_without_a_gap(self) -> None:
        numbers = [path.name[:4] for path in DECISIONS]

        assert numbers == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]

    @pytest.mark.parametrize("record", DECISIONS, ids=lambda path: path.name)
    def test_say_why_and_what_was_rejected_on_a_page(self, record: Path) -> None:
        text = record.read_text()

        assert re.match(rf"# {int(record.name[:4])}\. .+\n\n\w+, 20\d\d-\d\d-\d\d\.\n", text)
        headings = re.findall(r"^## (.*)$", text, re.M)
        assert headings == ["Context", "Decision", "Rejected", "Consequences"]
        assert len(text.splitlines()) <= LINES_OF_A_PAGE

    def test_stand_in_their_index(self) -> None:
        linked = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (DOCS / "adr" / "README.md").read_text())

        assert linked == [path.name for path in DECISIONS]


def files_named_in(text: str) -> set[str]:
    """What stands in code marks and reads as a path of the repository, `<app>` as in any app."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    spans = re.findall(r"`([^`\s]+)`", text)
    names = [span for span in spans if re.fullmatch(r"[\w.<>*-]+(/[\w.<>*-]+)*/?", span)]
    ends = (".py", ".md", ".toml", ".txt", ".in", ".yaml", "/")
    return {re.sub(r"<\w+>", "*", name) for name in names if name.endswith(ends)}


@pytest.mark.parametrize("document", PAPERS, ids=lambda path: path.name)
def test_papers_name_files_that_there_are(document: Path) -> None:
    named = files_named_in(document.read_text())

    # Within an app a file is called by its own name.
    missing = [name for name in named if not [*ROOT.glob(name), *ROOT.glob(f"*/{name}")]]
    assert sorted(missing) == []


class TestTheGlossary:
    def terms(self) -> dict[str, str]:
        """Each term with its row."""
        rows = re.findall(r"^\| \*\*(.+?)\*\* \|(.*)$", (DOCS / "glossary.md").read_text(), re.M)
        assert len(rows) == len(dict(rows)), "a term stands twice"
        return dict(rows)

    def test_is_sorted(self) -> None:
        assert list(self.terms()) == sorted(self.terms())

    def test_names_what_owns_each_term(self) -> None:
        for term, row in self.terms().items():
            owners = re.findall(r"`([\w/]+\.py)`: `(\w+)`", row)
            assert owners, term
            for module, name in owners:
                source = (ROOT / module).read_text()
                defined = re.search(rf"^(?:class |def |){name}\b(?:\(|\[|:| =)", source, re.M)
                assert defined, (term, module, name)


def test_the_changelog_has_each_section_once_in_a_version() -> None:
    _, *versions = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.M)

    for version in versions:
        sections = re.findall(r"^### (.*)$", version, re.M)
        assert len(sections) == len(set(sections)), version.splitlines()[0]
        assert set(sections) <= {"Added", "Changed", "Deprecated", "Fixed", "Removed", "Security"}


@pytest.mark.parametrize("document", [ROOT / "README.md", DOCS / "architecture.md"])
def test_maps_name_every_package_and_nothing_that_is_gone(document: Path) -> None:
    [drawn] = re.findall(r"^```\n(config/ .*?)^```$", document.read_text(), flags=re.M | re.S)
    named = set(re.findall(r"^(\w+)/ ", drawn, re.M))

    assert {path.parent.name for path in ROOT.glob("*/apps.py")} <= named
    assert [name for name in named if not (ROOT / name).is_dir()] == []


def test_the_licence_is_named_wherever_one_looks_for_it() -> None:
    assert (ROOT / "LICENSE").read_text().startswith("MIT License\n")
    assert "[MIT](LICENSE)" in (ROOT / "README.md").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (project["license"], project["license-files"]) == ("MIT", ["LICENSE"])
    assert 'image.licenses="MIT"' in (ROOT / "Dockerfile").read_text()


def test_the_openapi_file_is_what_the_code_generates(tmp_path: Path) -> None:
    generated = tmp_path / "openapi.yaml"

    call_command("spectacular", file=str(generated), validate=True, fail_on_warn=True)

    assert (DOCS / "openapi.yaml").read_text() == generated.read_text(), "run `make openapi`"


def routes_named_in(text: str) -> set[str]:
    return {unnamed(path) for path in re.findall(r"`(/[a-z_{}/]+)`", text)}


def test_the_document_names_each_post_that_takes_no_idempotency_key() -> None:
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    without = {
        path.removeprefix("/api/v1")
        for path, operations in paths.items()
        if "post" in operations
        and "Idempotency-Key"
        not in {parameter["name"] for parameter in operations["post"].get("parameters", [])}
    }
    section = (DOCS / "api.md").read_text().partition("\n## Idempotency\n")[2].partition("\n## ")[0]
    named = section.partition("These POSTs take none")[2].partition("\n- ")[0]

    assert {unnamed(path) for path in without} == routes_named_in(named)


def test_the_document_names_each_route_that_needs_no_person() -> None:
    sentence = (
        (DOCS / "api.md").read_text().partition("`user_id_required`. ")[2].partition(" belong")[0]
    )
    without = {
        unnamed(name.partition(" ")[2])
        for name, row in matrix.API.items()
        if row.scopes and not row.names_person
    }

    assert routes_named_in(sentence) == without
