"""What a full sync leaves behind, kept so that other stages begin with it: for a tenth of what the sync takes."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import sqlalchemy as sa

from odoo_pipelines.settings import load_settings
from odoo_pipelines_tests.defs.stage import Stage, change_this_month
from odoo_pipelines_tests.snapshots import OdooSnapshot, StateSnapshot


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A stage after a sync. A sync changes nothing in the PMS, so it is enough to know when its history ends.

    Attributes:
        result: of the sync.
        progress: that it told.
        began: seconds; when the sandbox PMS did.
        odoo: what the stand-in holds.
        state: what the pipelines remember.
        files: a folder with the batches.
    """

    result: dg.ExecuteInProcessResult
    progress: tuple[tuple[str, int, int], ...]
    began: float
    odoo: OdooSnapshot
    state: StateSnapshot
    files: Path

    @classmethod
    def of(cls, stage: Stage, engine: sa.Engine, result: dg.ExecuteInProcessResult, files: Path) -> Snapshot:
        """Keeps what there is; copies of the batches go into a new folder."""
        shutil.copytree(load_settings().data, files)
        odoo, state = OdooSnapshot.of(stage.odoo_server.db), StateSnapshot.of(engine)
        return cls(result, tuple(stage.progress), stage.pms.sandbox._started, odoo, state, files)

    def restore(self, stage: Stage, engine: sa.Engine) -> None:
        """Has a stage go on from here, on which nothing has happened yet."""
        stage.progress[:] = self.progress
        stage.pms.sandbox._started = self.began
        stage.pms.sandbox.reset()
        change_this_month(stage.pms)
        self.odoo.restore(stage.odoo_server.db)
        self.state.restore(engine)
        shutil.copytree(self.files, load_settings().data, copy_function=os.link)  # nobody writes into a batch again
