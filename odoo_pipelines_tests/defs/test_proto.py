import time
from odoo_pipelines_tests.defs.stage import Stage

def test_proto(stage: Stage) -> None:
    for mode in ("full", "full", "delta"):
        t=time.monotonic()
        r = stage.sync(mode)
        print(mode, r.success, time.monotonic()-t)
        for e in r.all_events:
            if e.is_step_failure: print(e.step_failure_data.error)
        for flow in ("partners","products","orders"): print(stage.counts(r, flow))
        for c in r.get_asset_check_evaluations(): print(c.asset_key, c.check_name, c.passed)
    t=time.monotonic()
    r = stage.materialize(stage.extracted("bookings"), partition="2026-11-01"); print(r.success, time.monotonic()-t)
