"""The layers: which part may import which, and where Dagster and the environment are let in."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "odoo_pipelines"
ROOT = Path(__file__).resolve().parents[1] / PACKAGE
SANDBOX = ROOT.with_name("odoo_pipelines_sandbox")

SETTINGS = frozenset({"errors", "settings", "integration", "integrations_yaml"})
"""Everything may know the errors; what is configured stands beside them, at the bottom."""
ALLOWED_IMPORTS = {
    "errors": frozenset(),
    "http": frozenset({"errors"}),
    "systems": frozenset({"errors", "http"}),
    "integration": frozenset({"errors", "systems"}),  # its choices are in the words that the engine takes
    "integrations_yaml": frozenset({"errors"}),
    "settings": frozenset({"errors", "integration", "integrations_yaml", "systems"}),
    "engine": frozenset({"errors", "systems"}),
    "odoo": frozenset({"errors", "http", "systems", "engine"}),  # it answers the engine in its words
    "rest": frozenset({"errors", "http", "systems", "engine"}),
    "stores": SETTINGS | {"http", "systems"},
    "clients": SETTINGS | {"http", "rest", "odoo", "stores"},
    "storage": SETTINGS | {"stores"},
    "webhooks": SETTINGS | {"http", "systems", "stores"},
    "pipeline": SETTINGS | {"http", "systems", "engine", "odoo", "rest", "stores", "clients", "webhooks"},
    "defs": SETTINGS
    | {"http", "systems", "engine", "odoo", "rest", "stores", "clients", "storage", "webhooks", "pipeline"},
    "notebook": SETTINGS | {"systems", "stores", "clients"},
    "definitions": SETTINGS | {"defs"},
    "commands": SETTINGS
    | {"http", "systems", "engine", "odoo", "rest", "stores", "clients", "storage", "pipeline", "defs"}
    | {"definitions", "webhooks", "notebook"},
    "cli": frozenset({"errors", "settings", "commands"}),
}
"""The arrows: what each part of the package may import, besides itself."""
MORE_ALLOWED_IMPORTS = {
    # Choices of the command line that the engine knows by the same words.
    "cli.py": frozenset({"systems"}),
}
DAGSTER = frozenset({"dagster", "dagster_postgres", "dagster_webserver", "dagster_shared", "dagster_pipes"})
MAY_IMPORT_DAGSTER = frozenset({"defs", "definitions", "storage", "cli"})


@dataclass(frozen=True)
class Module:
    """One module of the package.

    Attributes:
        path: below the package, such as "defs/assets.py".
        tree: parsed.
    """

    path: str
    tree: ast.Module

    @property
    def part(self) -> str:
        """The folder or module of the package that it belongs to; "" for the package itself."""
        name = Path(self.path).parts[0].removesuffix(".py")
        return "" if name == "__init__" else name

    def imports(self) -> Iterator[str]:
        """Dotted names of all modules that it imports, also inside functions."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)

    def roots(self) -> set[str]:
        """Top-level packages that it imports."""
        return {name.split(".")[0] for name in self.imports()}

    def parts_known(self) -> set[str]:
        """Other parts of the package that it imports."""
        found = {name.split(".")[1] for name in self.imports() if name.startswith(f"{PACKAGE}.")}
        return {part for part in found if part in ALLOWED_IMPORTS} - {self.part}

    def _absolute(self, node: ast.ImportFrom) -> str:
        assert node.level == 0, f"{self.path}: a relative import"
        return node.module or ""


@cache
def modules() -> tuple[Module, ...]:
    return tuple(
        Module(str(file.relative_to(ROOT)), ast.parse(file.read_text(encoding="utf-8")))
        for file in sorted(ROOT.rglob("*.py"))
    )


def test_the_package_has_no_part_without_a_place_in_the_design() -> None:
    assert {module.part for module in modules()} - {""} == set(ALLOWED_IMPORTS)


def test_the_arrows_have_no_circle() -> None:
    done: set[str] = set()
    while ready := {part for part, known in ALLOWED_IMPORTS.items() if part not in done and known <= done}:
        done |= ready
    assert done == set(ALLOWED_IMPORTS)


def test_rest_odoo_and_stores_never_know_each_other() -> None:
    siblings = {"rest", "odoo", "stores"}
    assert not [part for part in siblings if ALLOWED_IMPORTS[part] & siblings]


def test_a_module_knows_only_what_lies_below_it() -> None:
    allowed = {
        each.path: ALLOWED_IMPORTS.get(each.part, frozenset()) | MORE_ALLOWED_IMPORTS.get(each.path, set())
        for each in modules()
    }
    assert offenders(lambda module: sorted(module.parts_known() - allowed[module.path])) == {}


def test_only_the_demo_knows_the_sandbox() -> None:
    assert set(offenders(lambda module: sorted(module.roots() & {"odoo_pipelines_sandbox"}))) <= {"commands/demo.py"}


def test_the_sandbox_knows_only_errors_and_settings_of_the_pipelines() -> None:
    known = {
        name.split(".")[1]
        for file in sorted(SANDBOX.rglob("*.py"))
        for name in Module(file.name, ast.parse(file.read_text(encoding="utf-8"))).imports()
        if name.startswith(f"{PACKAGE}.")
    }
    assert known <= {"errors", "settings"}


def test_no_system_is_known_but_through_the_table_of_systems() -> None:
    """So another external system is one more package under systems/, and nothing else."""
    systems = {path.name for path in (ROOT / "systems").iterdir() if (path / "flows.py").exists()}

    def named(module: Module) -> list[str]:
        names = {name.split(".")[2] for name in module.imports() if name.startswith(f"{PACKAGE}.systems.")}
        own = {name for name in systems if module.path.startswith(f"systems/{name}/")}
        return sorted(names & systems - own)

    assert offenders(named) == {}


def test_dagster_is_imported_only_where_assets_are_defined_and_run() -> None:
    outside = offenders(
        lambda module: sorted(module.roots() & DAGSTER) if module.part not in MAY_IMPORT_DAGSTER else []
    )
    assert outside == {}


def test_modules_that_import_dagster_keep_their_annotations() -> None:
    """Dagster reads them at run time, and cannot read them as strings."""
    as_strings = {"__future__.annotations"}
    found = offenders(lambda module: sorted(as_strings & set(module.imports())) if module.roots() & DAGSTER else [])
    assert found == {}


def test_the_engine_knows_no_network_and_no_database() -> None:
    outside = {"requests", "urllib3", "sqlalchemy", "psycopg2", "os", "socket", "fsspec", "pyarrow"}
    assert offenders(lambda module: sorted(module.roots() & outside) if module.part == "engine" else []) == {}


def test_only_the_settings_read_the_environment() -> None:
    readers = {"os.environ", "os.environb", "os.getenv", "os.putenv"}

    def reads(module: Module) -> list[str]:
        attributes = (node for node in ast.walk(module.tree) if isinstance(node, ast.Attribute))
        return sorted(readers & ({ast.unparse(each) for each in attributes} | set(module.imports())))

    assert set(offenders(reads)) == {"settings.py"}


def test_nothing_is_printed() -> None:
    def prints(module: Module) -> list[int]:
        calls = (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))
        return [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]

    assert offenders(prints) == {}


def test_no_error_is_caught_that_is_not_understood() -> None:
    """Whatever is caught broadly, to clean up, is raised again."""

    def swallowed(module: Module) -> list[int]:
        handlers = (node for node in ast.walk(module.tree) if isinstance(node, ast.ExceptHandler))
        return [each.lineno for each in handlers if _is_broad(each) and not _raises_again(each)]

    assert offenders(swallowed) == {}


def test_every_module_says_what_it_is() -> None:
    assert offenders(lambda module: [] if ast.get_docstring(module.tree) else ["no docstring"]) == {}


def offenders(faults_of: Callable[[Module], Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Faults by path, of the modules that have any."""
    return {module.path: faults for module in modules() if (faults := faults_of(module))}


def _is_broad(handler: ast.ExceptHandler) -> bool:
    names = (
        {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else {"Exception"}
    )
    return bool(names & {"Exception", "BaseException"})


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None
