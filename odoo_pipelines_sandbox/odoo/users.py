"""Users, passwords and API keys."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from odoo_pipelines_sandbox.odoo.env import Env
from odoo_pipelines_sandbox.odoo.store import Database

_KEYS = "res.users.apikeys"
_USERS = "res.users"


def add_user(
    env: Env, login: str, name: str, groups: Sequence[str], *, password: str, api_key: str, key_ends: str | None = None
) -> int:
    """Makes a user with exactly these groups, a password and an API key; returns the id.

    The key never expires unless `key_ends` says when, as Odoo writes it; the stand-in goes on to accept it.
    """
    now = env.db.now()
    stamps = {"create_date": now, "write_date": now, "create_uid": 1, "write_uid": 1}
    partner = {"name": name, "complete_name": name, "active": True, "type": "contact", "lang": "en_US", "tz": "UTC"}
    partner_id = env.table("res.partner").insert(stamps | partner)
    targets = (env.db.xmlid_target(xmlid) for xmlid in groups)
    group_ids = tuple(target[1] for target in targets if target)
    user = {"partner_id": partner_id, "login": login, "active": True, "company_id": 1, "group_ids": group_ids}
    user_id = env.table(_USERS).insert(stamps | user | {"secret": password})
    key = {
        "name": "sandbox",
        "user_id": user_id,
        "scope": "rpc",
        "expiration_date": key_ends or False,
        "secret": api_key,
    }
    env.table(_KEYS).insert(stamps | key)
    return user_id


def user_of_key(database: Database, api_key: str) -> int | None:
    """Id of the user whose API key this is."""
    for row in database.table(_KEYS).rows.values():
        if _same(row["secret"], api_key):
            return int(row["user_id"])
    return None


def user_of_login(database: Database, login: str, password: str) -> int | None:
    """Id of the user with this login, if the password, or the API key in its place, is right."""
    users = database.table(_USERS).rows
    return next(
        (uid for uid, row in users.items() if row["login"] == login and is_secret_of(database, uid, password)), None
    )


def is_secret_of(database: Database, uid: int, password: str) -> bool:
    """Whether this is the user's password or one of the user's API keys."""
    row = database.table(_USERS).rows.get(uid)
    if row is None or not row.get("active") or not password:
        return False
    return _same(row["secret"], password) or user_of_key(database, password) == uid


def _same(secret: str, given: str) -> bool:
    return hmac.compare_digest(secret.encode(), given.encode())
