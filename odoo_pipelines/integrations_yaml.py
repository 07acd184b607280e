"""integrations.yaml as it is written: read strictly, without literal secrets, its ${VARIABLE} references replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from odoo_pipelines.errors import ConfigurationError

Place: TypeAlias = tuple[str, ...]
"""Keys that lead to a value of an entry."""

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRETS = frozenset({"api_key", "api_secret", "secret"})
_SECRET_LISTS = frozenset({"webhook_secrets"})
_LEFT_OUT = object()


@dataclass(slots=True)
class Expanded:
    """An entry whose references are replaced.

    Attributes:
        entry: without the values that refer to a variable which is not set.
        variables: by place, those that a value refers to; of a value that is left out, those that are not set.
        unset: places that were left out for that.
        problems: one sentence for each literal secret, beginning with its place.
    """

    entry: dict[str, Any] = field(default_factory=dict)
    variables: dict[Place, str] = field(default_factory=dict)
    unset: list[Place] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class _Loader(yaml.SafeLoader):
    """Refuses a key that occurs twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                raise yaml.constructor.ConstructorError(problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def read_entries(file: Path) -> dict[str, Any]:
    """What the file says of each integration, by name.

    Raises:
        ConfigurationError: it cannot be read, is not valid YAML, or has no integrations.
    """
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506  # a safe one
    except OSError as error:
        raise _fault(f"{file} cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # Its text quotes the file, in which somebody may have written a secret.
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise _fault(f"{file} is not valid YAML, or has a key twice{place}") from None
    entries = content.get("integrations") if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise _fault(f"{file} has no mapping 'integrations' with an entry in it")
    return {str(name): entry for name, entry in entries.items()}


def expand(entry: Mapping[str, Any], environment: Mapping[str, str]) -> Expanded:
    """Replaces the references in all strings of an entry; a variable that is empty counts as not set."""
    expanded = Expanded()
    expanded.entry = _expand(entry, environment, (), expanded)
    return expanded


def _fault(what: str) -> ConfigurationError:
    return ConfigurationError([f"ODOO_PIPELINES_CONFIG: {what}"])


def _expand(entry: Mapping[str, Any], environment: Mapping[str, str], place: Place, found: Expanded) -> dict[str, Any]:
    values = ((str(name), _value(value, environment, (*place, str(name)), found)) for name, value in entry.items())
    return {key: value for key, value in values if value is not _LEFT_OUT}


def _value(value: Any, environment: Mapping[str, str], here: Place, found: Expanded) -> Any:
    if isinstance(value, dict):
        return _expand(value, environment, here, found)
    key = next((part for part in reversed(here) if not part.isdigit()), "")
    if isinstance(value, list) and key not in _SECRETS:
        items = (_value(item, environment, (*here, str(index)), found) for index, item in enumerate(value))
        return [item for item in items if item is not _LEFT_OUT]
    if key in _SECRETS | _SECRET_LISTS and not (isinstance(value, str) and _REFERENCE.fullmatch(value)):
        found.problems.append(
            f"{'.'.join(here)}: write a reference such as ${{{key.upper()}}}, never the secret itself"
        )
        return _LEFT_OUT
    if not isinstance(value, str) or not (names := _REFERENCE.findall(value)):
        return value
    unset = [each for each in names if not environment.get(each)]
    found.variables[here] = ", ".join(unset or names)
    if unset:
        found.unset.append(here)
        return _LEFT_OUT
    return _REFERENCE.sub(lambda match: environment[match[1]], value)
