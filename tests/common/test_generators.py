"""Clients that others generate from docs/openapi.yaml, called on a live server."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import orjson
import pytest
import yaml
from django.db import connection

from demo.consents import make_consents
from tests.client import ApiClient
from tests.common.test_openapi import PLACES, body_of
from tests.test_routes import OWNED
from tests.web import ROOT

DESCRIPTION = ROOT / "docs" / "openapi.yaml"
DESCRIBED: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text())
# Values for what an operation must be asked; all else is left to its default.
ASKED = {"q": "database", "at": datetime(2026, 1, 1, tzinfo=UTC)}
# These end what the others ask for.
LAST = ["cache_invalidate", "privacy_erase"]
# Of the headers of an answer, those that not each one has.
SOMETIMES = {"idempotency-replayed", "ratelimit", "ratelimit-policy", "retry-after"}


def generate(*command: str | Path) -> None:
    program = str(Path(sys.executable).with_name(str(command[0])))
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True)
    assert done.returncode == 0, done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("generated")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def client(folder: Path) -> ModuleType:
    """The package that openapi-python-client makes."""
    configuration = folder / "configuration.yaml"
    configuration.write_text("post_hooks: []\n")
    generate(
        "openapi-python-client", "generate", "--path", DESCRIPTION, "--meta", "none",
        "--config", configuration, "--output-path", folder / "steward_client",
        "--fail-on-warning",
    )  # fmt: skip
    return importlib.import_module("steward_client")


@pytest.fixture(scope="module")
def models(folder: Path) -> ModuleType:
    """The module of pydantic models that datamodel-code-generator makes."""
    generate(
        "datamodel-codegen", "--input", DESCRIPTION, "--input-file-type", "openapi",
        "--output", folder / "steward_models.py",
        "--output-model-type", "pydantic_v2.BaseModel",
    )  # fmt: skip
    return importlib.import_module("steward_models")


def operations() -> list[dict[str, Any]]:
    """Of every tag, those that end others last."""
    found = [operation for item in DESCRIBED["paths"].values() for operation in item.values()]
    return sorted(found, key=lambda operation: operation["operationId"] in LAST)


def module_of(operation: dict[str, Any]) -> ModuleType:
    [tag] = operation["tags"]
    # `credits` is a name of Python's own: there the generator adds a line.
    tag = "credits_" if tag == "credits" else tag
    return importlib.import_module(f"steward_client.api.{tag}.{operation['operationId']}")


def body_for(operation: dict[str, Any]) -> Any:
    [example] = body_of(operation)["examples"].values()
    name = body_of(operation)["schema"]["$ref"].rpartition("/")[2]
    return getattr(importlib.import_module("steward_client.models"), name).from_dict(
        example["value"]
    )


def arguments(operation: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        if parameter["in"] == "path":
            value = PLACES.get(name) or OWNED[name]()
            given[name] = UUID(str(value)) if "uuid" in parameter["schema"].values() else value
        elif parameter.get("required"):
            given[name] = ASKED[name]
    if "requestBody" in operation:
        given["body"] = body_for(operation)
    if any(parameter["name"] == "X-User-Id" for parameter in operation.get("parameters", ())):
        given["x_user_id"] = "ann"
    return given


def check(operation: dict[str, Any], answer: Any, models: ModuleType) -> None:
    """Holds an answer to what was generated for it: both clients read all of it."""
    assert answer.status_code < 300, (operation["operationId"], answer)
    described = operation["responses"][str(int(answer.status_code))]
    promised = {name.lower() for name in described["headers"]} - SOMETIMES
    assert promised <= {name.lower() for name in answer.headers}, operation["operationId"]
    schema = described.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return
    assert answer.parsed.to_dict().keys() == orjson.loads(answer.content).keys()
    if "$ref" in schema:
        model = getattr(models, schema["$ref"].rpartition("/")[2])
        model.model_validate_json(answer.content)


# The engine makes no difference to what is generated.
if connection.vendor == "sqlite":

    def test_call_every_operation(
        client: ModuleType, models: ModuleType, live_server: Any, transactional_db: None, key: str
    ) -> None:
        connected = client.AuthenticatedClient(
            base_url=live_server.url, token=key, raise_on_unexpected_status=True
        )
        make_consents()
        with connected as caller:
            for operation in operations():
                call = module_of(operation).sync_detailed
                check(operation, call(client=caller, **arguments(operation)), models)

    def test_know_messages_with_and_without_stages(
        client: ModuleType, models: ModuleType, person: ApiClient
    ) -> None:
        stages = {"role": "assistant", "stage1": [{"a": 1}], "stage3": {"b": 2}}
        body = {"messages": [{"role": "user", "content": "What?"}, stages]}
        content = person.get(person.post("/conversations", body)["Location"]).content

        answer = importlib.import_module(f"{client.__name__}.models")
        read = answer.ConversationWithMessagesResponse.from_dict(orjson.loads(content))
        modelled = models.ConversationWithMessagesResponse.model_validate_json(content)

        for message, other in zip(read.messages, modelled.messages, strict=True):
            assert (message.stage1 is None) == (other.stage1 is None) == (message.role == "user")
            assert message.stage2 is None and other.stage2 is None
