"""What can be configured for one integration: the models behind integrations.yaml and the environment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from ipaddress import ip_address
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.systems.policies import (
    AdoptPolicy,
    DeletedPolicy,
    FlowPolicies,
    Policy,
    UnlockPolicy,
    VanishedPolicy,
)
from odoo_pipelines.systems.targets import CompareTotal

_CRON_FIELDS = 5
_METHOD_AND_GATEWAY = 2


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        message = "must be a URL that starts with http:// or https://"
        raise ValueError(message)
    if parts.username or parts.password:
        message = "must not carry a user or a password"
        raise ValueError(message)
    return value.rstrip("/")


def _cron(value: str) -> str:
    if len(value.split()) != _CRON_FIELDS or not croniter.is_valid(value):  # Dagster knows no seconds
        message = "must be a cron expression of five fields, such as '*/30 * * * *'"
        raise ValueError(message)
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        message = "must be a time zone, such as 'Europe/Vienna'"
        raise ValueError(message) from error
    return value


def _filled(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        message = "must not be empty"
        raise ValueError(message)
    return value


def _secret_list(value: Any) -> Any:
    """Texts, one or a list of them, as the secrets that they are; one text may name several, with commas between."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    return [{"secret": each} if isinstance(each, str) else each for each in value] if isinstance(value, list) else value


def _journal_key(value: str) -> str:
    parts = value.split("/")
    if len(parts) > _METHOD_AND_GATEWAY or not all(part and part == part.strip().lower() for part in parts):
        message = "name a payment method, a gateway or method/gateway in lower case, such as 'credit_card/stripe'"
        raise ValueError(message)
    return value


def _journal_code(value: str) -> str:
    if not value or value != value.strip():
        message = "must be the code of a journal in Odoo, such as 'BNK1'"
        raise ValueError(message)
    return value


def _unlock(value: Any) -> Any:
    """One of the three words; files of earlier versions say true or false."""
    if isinstance(value, bool):
        return UnlockPolicy.ALWAYS if value else UnlockPolicy.NEVER
    if value not in list(UnlockPolicy):
        message = "must be own, never or always (true, as in earlier versions, means always, and false never)"
        raise ValueError(message)
    return value


def _past(value: date) -> date:
    if value > datetime.now(UTC).date():
        message = "must not lie in the future"
        raise ValueError(message)
    return value


HttpUrl: TypeAlias = Annotated[str, AfterValidator(_http_url)]
Cron: TypeAlias = Annotated[str, AfterValidator(_cron)]
TimeZone: TypeAlias = Annotated[str, AfterValidator(_time_zone)]
Secret: TypeAlias = Annotated[SecretStr, AfterValidator(_filled)]
Unlock: TypeAlias = Annotated[UnlockPolicy, BeforeValidator(_unlock)]
Past: TypeAlias = Annotated[date, AfterValidator(_past)]
JournalKey: TypeAlias = Annotated[str, AfterValidator(_journal_key)]
JournalCode: TypeAlias = Annotated[str, AfterValidator(_journal_code)]
Name: TypeAlias = Annotated[str, Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ExternalSettings(_Model):
    """How the external system is reached."""

    url: HttpUrl
    api_key: Secret
    api_secret: Secret | None = None
    requests_per_second: float = Field(default=20.0, gt=0)
    page_size: int = Field(default=500, ge=1, le=10_000)


class OdooSettings(_Model):
    """How Odoo is reached, and how hard it may be driven.

    The preset `odoo_online` keeps to what Odoo Online tolerates: one request per second on one connection.
    """

    url: HttpUrl
    db: Name
    username: Name
    api_key: Secret
    transport: Literal["auto", "json2", "jsonrpc"] = "auto"
    preset: Literal["odoo_online"] | None = None
    requests_per_second: float | None = Field(default=None, gt=0)
    connections: int = Field(default=2, ge=1, le=16)
    chunk_size: int = Field(default=500, ge=1, le=5_000)
    company: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _apply_preset(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("preset") == "odoo_online":
            return {"requests_per_second": 1.0, "connections": 1, **values}
        return values

    def record_url(self, model: str, odoo_id: int) -> str:
        """Where a person sees a record; written in the way of old versions, which new ones understand, too."""
        return f"{self.url}/web#id={odoo_id}&model={model}&view_type=form"


class WebhookSecret(_Model):
    """A secret that webhooks may be signed with.

    Attributes:
        secret: the key; one that begins with "whsec_" holds it in base64, as Standard Webhooks has it.
        until: last day, UTC, on which it is accepted; None: for ever.
    """

    secret: Secret
    until: date | None = None


class FlowSettings(_Model):
    """What is different for one flow; what is left out is as for the integration."""

    policy: Policy | None = None
    fields: dict[str, Policy] = Field(default_factory=dict)
    deleted_in_odoo: DeletedPolicy | None = None
    vanished: VanishedPolicy | None = None


@dataclass(frozen=True, slots=True)
class Connections:
    """Both sides of an integration, complete and checked. `odoo` is None when loads are switched off."""

    external: ExternalSettings
    odoo: OdooSettings | None


class Integration(_Model):
    """One configured instance of a system."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,40}$")
    number: int | None = Field(default=None, ge=1, le=999_999_999)
    system: str = "pms"
    active: bool = True
    auto_sync: bool = True
    odoo_enabled: bool = True
    external: ExternalSettings | None = None
    odoo: OdooSettings | None = None
    partition: Literal["day", "week", "month"] = "month"
    history_start: Past = date(2025, 1, 1)
    overlap_minutes: float = Field(default=5.0, ge=0)
    taxes: Literal["none", "odoo"] | tuple[str, ...] = "none"
    compare_total: CompareTotal = "with_tax"
    journals: dict[JournalKey, JournalCode] = Field(default_factory=dict)
    unlock_orders: Unlock = UnlockPolicy.OWN
    adopt: AdoptPolicy = AdoptPolicy.NAME_AND_ADDRESS
    policy: Policy = Policy.LATEST_WINS
    deleted_in_odoo: DeletedPolicy = DeletedPolicy.RECREATE
    vanished: VanishedPolicy = VanishedPolicy.REPORT
    vanished_share_limit: float = Field(default=0.05, ge=0, le=1)
    vanished_share_minimum: int = Field(default=20, ge=1)
    flows: dict[str, FlowSettings] = Field(default_factory=dict)
    rejected_share_limit: float = Field(default=0.05, ge=0, le=1)
    rejected_share_minimum: int = Field(default=20, ge=1)
    availability_days: int = Field(default=90, ge=1, le=730)
    capture_overlap_seconds: float = Field(default=180.0, ge=0)
    webhook_secrets: Annotated[list[WebhookSecret], BeforeValidator(_secret_list)] = Field(default_factory=list)
    webhook_unsigned: bool = False
    not_kept: list[str] = Field(default_factory=list)
    delta_cron: Cron = "*/30 * * * *"
    full_cron: Cron = "0 3 * * *"
    retry_cron: Cron = "15,45 * * * *"
    outbound_cron: Cron = "10,40 * * * *"
    time_zone: TimeZone = "UTC"

    @model_validator(mode="after")
    def _check_total(self) -> Integration:
        if self.compare_total == "without_tax" and self.taxes == "none":
            message = (
                "compare_total: 'without_tax' needs taxes: set `taxes` to 'odoo' or to names of taxes, or leave it out"
            )
            raise ValueError(message)
        return self

    def connections(self) -> Connections:
        """Both sides, complete: what `load_settings(needed=name)` has made sure of.

        Raises:
            ConfigurationError: a side was never configured.
        """
        if self.external is None or (self.odoo is None and self.odoo_enabled):
            raise ConfigurationError(
                [f"integration '{self.name}' is not connected yet; `odoo-pipelines doctor` tells why"]
            )
        return Connections(self.external, self.odoo if self.odoo_enabled else None)

    def policies(self, flow: str) -> FlowPolicies:
        """Who wins where this flow's records differ from Odoo's."""
        own = self.flows.get(flow, FlowSettings())
        deleted = own.deleted_in_odoo or self.deleted_in_odoo
        return FlowPolicies(own.policy or self.policy, own.fields, deleted, self.adopt)

    def vanished_policy(self, flow: str) -> VanishedPolicy:
        """What happens in Odoo to this flow's records that have vanished from the external system."""
        return self.flows.get(flow, FlowSettings()).vanished or self.vanished

    @property
    def identifier(self) -> str:
        """The name as Dagster allows it in names of jobs, groups and schedules."""
        return self.name.replace("-", "_")

    @property
    def pool(self) -> str:
        """Dagster's pool that lets one run at a time write for this integration."""
        return f"odoo_pipelines/{self.name}"

    @property
    def warnings(self) -> tuple[str, ...]:
        """Settings that work but should not stay so."""
        sides = {"PMS": self.external, "Odoo": self.odoo}
        return tuple(
            f"integration '{self.name}': the {side} URL is plain http to another machine; use https, "
            "or anybody on the way can read the credentials"
            for side, settings in sides.items()
            if settings is not None and _is_plain_http_to_elsewhere(settings.url)
        )


def _is_plain_http_to_elsewhere(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname == "localhost":
        return False
    try:
        return not ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return True
