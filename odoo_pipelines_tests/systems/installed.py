"""Systems of other distributions, installed in a folder outside as pip would leave them there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from odoo_pipelines import systems

Install: TypeAlias = Callable[..., None]


@contextmanager
def installing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Gives a function that installs a package with a module `flows`; all of it is gone afterwards."""
    packages: set[str] = set()
    monkeypatch.syspath_prepend(folder)

    def install(package: str, flows: str, *, entry_point: str = "", **modules: str) -> None:
        """Installs a package, with its code by module, as the system of its own name unless another one is given."""
        packages.add(package)
        (folder / package).mkdir()
        for name, code in {"__init__": "", "flows": flows, **modules}.items():
            (folder / package / f"{name}.py").write_text(code, encoding="utf-8")
        about = folder / f"{package}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
        entry = entry_point or f"{package} = {package}.flows:SYSTEM"
        (about / "entry_points.txt").write_text(f"[{systems.ENTRY_POINTS}]\n{entry}\n", encoding="utf-8")
        _forget()

    yield install
    for module in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[module]
    _forget()


def _forget() -> None:
    systems.system_names.cache_clear()
    systems.get_system.cache_clear()
