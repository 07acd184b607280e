"""The contract as JSON schemas."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_FILE = Path(__file__).parents[3] / "docs" / "contracts" / "pms.openapi.yaml"
_URI = "urn:pms"


@cache
def document() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return content


def check_answer(method: str, path: str, status: int, answer: Any) -> None:
    """Fails where an answer breaks the contract."""
    responses = document()["paths"][path][method]["responses"]
    response = responses[str(status)]
    pointer = response.get("$ref", f"#/paths/{_escaped(path)}/{method}/responses/{status}")
    _validator(f"{pointer}/content/application~1json/schema").validate(answer)


def check_schema(name: str, value: Any) -> None:
    """Fails where a value is not of one of the contract's schemas."""
    _validator(f"#/components/schemas/{name}").validate(value)


@cache
def _validator(pointer: str) -> Draft202012Validator:
    registry = Registry().with_resource(_URI, Resource.from_contents(document(), default_specification=DRAFT202012))
    return Draft202012Validator({"$ref": f"{_URI}{pointer}"}, registry=registry)


def _escaped(path: str) -> str:
    return path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
