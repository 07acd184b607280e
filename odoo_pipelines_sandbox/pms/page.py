"""The page at /: what a hotel clerk would see, for people who try the demo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from odoo_pipelines_sandbox.pms.state import Sandbox
from odoo_pipelines_sandbox.pms.times import rfc3339

_SHOWN = 10
_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox PMS</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1d2733 }}
h1 {{ margin-bottom: 0 }} h2 {{ margin-top: 2rem; font-size: 1.1rem }} .quiet {{ color: #5b6b7c }}
table {{ border-collapse: collapse; width: 100% }} td, th {{ padding: .3rem .6rem; text-align: left }}
th {{ border-bottom: 2px solid #d5dde5 }} td {{ border-bottom: 1px solid #e8edf2 }}
ul {{ display: flex; gap: 2rem; list-style: none; padding: 0 }} li b {{ display: block; font-size: 1.6rem }}
button {{ font: inherit; padding: .5rem 1rem; border: 0; border-radius: .4rem; background: #714b67; color: #fff }}
</style>
</head>
<body>
<h1>Sandbox PMS</h1>
<p class="quiet">A hotel that does not exist. Its clock stands at {clock}.</p>
<ul>{counts}</ul>
<button id="advance">Let a minute pass: 20 changed, 5 new, 2 cancelled bookings, 5 changed guests</button>
<h2>Last bookings</h2>
{bookings}
<h2>Last payments received from Odoo</h2>
{payments}
<h2>Last availability received from Odoo</h2>
{availability}
<script>
document.getElementById("advance").onclick = async () => {{
  const order = {{changed_bookings: 20, new_bookings: 5, cancelled: 2, changed_guests: 5, seconds: 60}};
  const answer = await fetch("/sandbox/advance", {{
    method: "POST", headers: {{"Content-Type": "application/json"}}, body: JSON.stringify(order)}});
  if (answer.ok) location.reload(); else alert((await answer.json()).error);
}};
</script>
</body>
</html>
"""


def rendered(sandbox: Sandbox) -> str:
    """Gives the page."""
    world, ledger = sandbox.world, sandbox.ledger.as_json()
    newest = [world.served("bookings", index) for index in world.feeds["bookings"].newest(_SHOWN)]
    return _TEMPLATE.format(
        clock=escape(rfc3339(world.clock)),
        counts="".join(f"<li><b>{len(feed):,}</b>{stream}</li>" for stream, feed in world.feeds.items()),
        bookings=_table(
            ("booking_reference", "guest", "status", "check_in", "check_out", "total", "updated_at"),
            map(_booking_row, newest),
        ),
        payments=_table(
            ("booking_id", "amount", "currency", "transaction_id", "updated_at"), _last(ledger["payments"])
        ),
        availability=_table(("room_type_id", "date", "available"), _last(ledger["availability"])),
    )


def _last(rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    return rows[-_SHOWN:][::-1]


def _booking_row(booking: dict[str, Any]) -> dict[str, Any]:
    guest = booking.get("guest")
    name = f"{guest.get('first_name')} {guest.get('last_name')}" if isinstance(guest, dict) else "-"
    return booking | {"guest": name, "total": f"{booking.get('total_amount')} {booking.get('currency')}"}


def _table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    head = "".join(f"<th>{column.replace('_', ' ')}</th>" for column in columns)
    lines = ["".join(f"<td>{escape(str(row.get(column, '')))}</td>" for column in columns) for row in rows]
    if not lines:
        return '<p class="quiet">None yet.</p>'
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
