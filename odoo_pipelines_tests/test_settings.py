"""What can be set, how it is refused, and that secrets stay where they are."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.settings import Settings, database_settings, inherited_environment, load_settings
from odoo_pipelines_tests.environment import COMPLETE, SECRET_VARIABLES, VARIABLES, unset_all

Configure: TypeAlias = Callable[[str], Path]

TWO = """
integrations:
  grand-hotel:
    external: {url: "https://pms.grand.example", api_key: "${GRAND_KEY}", api_secret: "${GRAND_SECRET}"}
    odoo: {url: "https://odoo.example", db: hotel, username: sync, api_key: "${ODOO_KEY}", company: Grand Hotel Ltd}
  beach:
    external: {url: "https://${BEACH_HOST}/api", api_key: "${BEACH_KEY}"}
    odoo: {url: "https://odoo.example", db: hotel, username: sync, api_key: "${ODOO_KEY}"}
    partition: day
    history_start: 2026-01-15
    time_zone: Europe/Vienna
    delta_cron: "*/10 * * * *"
"""
REFERENCES = {
    "GRAND_KEY": "grand-key",
    "GRAND_SECRET": "grand-secret",
    "ODOO_KEY": "odoo-key",
    "BEACH_HOST": "pms.beach.example",
    "BEACH_KEY": "beach-key",
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unset_all(monkeypatch)
    for variable in REFERENCES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in COMPLETE.items():
        monkeypatch.setenv(variable, value)


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Configure:
    """Writes integrations.yaml and names it."""

    def write(text: str) -> Path:
        file = tmp_path / "integrations.yaml"
        file.write_text(text, encoding="utf-8")
        monkeypatch.setenv("ODOO_PIPELINES_CONFIG", str(file))
        return file

    return write


@pytest.fixture
def references(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in REFERENCES.items():
        monkeypatch.setenv(variable, value)


def problems(needed: str | None = "pms") -> list[str]:
    """What the one message names."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(needed=needed)
    assert all(problem in str(caught.value) for problem in caught.value.problems)
    return list(caught.value.problems)


def entry(**changes: str) -> str:
    """One complete integration in the file, and what is changed of it."""
    lines = {
        "external": '{url: "https://pms.example", api_key: "${GRAND_KEY}"}',
        "odoo": '{url: "https://odoo.example", db: hotel, username: sync, api_key: "${ODOO_KEY}"}',
        **changes,
    }
    return "integrations:\n  grand:\n" + "".join(f"    {key}: {value}\n" for key, value in lines.items())


class TestEnvironment:
    def test_with_nothing_set_the_definitions_can_load_and_there_is_one_integration(self) -> None:
        settings = load_settings()
        assert list(settings.integrations) == ["pms"]
        assert (settings.integrations["pms"].external, settings.integrations["pms"].odoo) == (None, None)

    @pytest.mark.usefixtures("complete")
    def test_the_variables_alone_make_one_complete_integration(self) -> None:
        connections = load_settings(needed="pms").integration("pms").connections()
        assert connections.external.url == COMPLETE["PMS_URL"]
        assert connections.external.api_key.get_secret_value() == COMPLETE["PMS_API_KEY"]
        assert connections.external.api_secret is not None
        assert connections.external.api_secret.get_secret_value() == COMPLETE["PMS_API_SECRET"]
        assert connections.odoo is not None
        assert connections.odoo.url == COMPLETE["ODOO_URL"]
        assert (connections.odoo.db, connections.odoo.username) == (COMPLETE["ODOO_DB"], COMPLETE["ODOO_USERNAME"])
        assert connections.odoo.api_key.get_secret_value() == COMPLETE["ODOO_API_KEY"]

    def test_one_message_names_every_variable_that_is_missing(self) -> None:
        required = set(COMPLETE) - {"PMS_API_SECRET"}
        assert set(problems()) == {f"{variable} is not set" for variable in required}

    @pytest.mark.usefixtures("complete")
    @pytest.mark.parametrize("variable", sorted(set(COMPLETE) - {"PMS_API_SECRET"}))
    def test_an_empty_variable_counts_as_not_set(self, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(variable, "")
        assert problems() == [f"{variable} is not set"]

    @pytest.mark.usefixtures("complete")
    def test_the_secret_of_the_pms_is_optional(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("PMS_API_SECRET")
        assert load_settings(needed="pms").integration("pms").connections().external.api_secret is None

    @pytest.mark.usefixtures("complete")
    def test_missing_and_malformed_variables_are_named_together(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("ODOO_DB")
        monkeypatch.delenv("PMS_API_KEY")
        monkeypatch.setenv("ODOO_URL", "odoo.example")
        monkeypatch.setenv("ODOO_ENABLED", "perhaps")
        monkeypatch.setenv("PMS_URL", "ftp://pms.example")
        named = {problem.partition(" ")[0].rstrip(":") for problem in problems()}
        assert named == {"ODOO_DB", "PMS_API_KEY", "ODOO_URL", "ODOO_ENABLED", "PMS_URL"}

    @pytest.mark.usefixtures("complete")
    @pytest.mark.parametrize("blank", ["  ", "\t"])
    @pytest.mark.parametrize("variable", SECRET_VARIABLES)
    def test_a_blank_secret_is_refused(self, variable: str, blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(variable, blank)
        assert problems() == [f"{variable}: must not be empty"]

    @pytest.mark.usefixtures("complete")
    @pytest.mark.parametrize("url", ["https://ann:geheim@odoo.example", "https://ann@odoo.example"])
    def test_a_url_must_not_carry_credentials(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ODOO_URL", url)
        assert problems() == ["ODOO_URL: must not carry a user or a password"]

    @pytest.mark.usefixtures("complete")
    @pytest.mark.parametrize(
        "url", ["odoo", "odoo.example:8069", "https://", "http:///odoo", "file:///etc", "https://["]
    )
    def test_what_is_no_http_url_is_refused(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ODOO_URL", url)
        [problem] = problems()
        assert problem.startswith("ODOO_URL: ")

    @pytest.mark.usefixtures("complete")
    def test_a_slash_at_the_end_of_a_url_makes_no_difference(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PMS_URL", "https://pms.example/api/")
        assert load_settings(needed="pms").integration("pms").connections().external.url == "https://pms.example/api"

    @pytest.mark.parametrize("off", ["false", "False", "0", "no", "off"])
    def test_with_loads_switched_off_no_odoo_has_to_be_named(self, off: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ODOO_ENABLED", off)
        monkeypatch.setenv("PMS_URL", "https://pms.example")
        monkeypatch.setenv("PMS_API_KEY", "key")
        integration = load_settings(needed="pms").integration("pms")
        assert not integration.odoo_enabled
        assert integration.connections().odoo is None

    @pytest.mark.usefixtures("complete")
    def test_with_loads_switched_off_a_complete_odoo_is_not_connected_either(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ODOO_ENABLED", "false")
        assert load_settings(needed="pms").integration("pms").connections().odoo is None

    def test_an_unconnected_integration_says_so_when_it_is_used(self) -> None:
        with pytest.raises(ConfigurationError, match="'pms' is not connected yet"):
            load_settings().integration("pms").connections()

    def test_an_unknown_integration_is_refused_with_the_known_ones(self) -> None:
        with pytest.raises(ConfigurationError, match="no integration 'spa'; configured: pms"):
            load_settings(needed="spa")
        with pytest.raises(ConfigurationError, match="no integration 'spa'; configured: pms"):
            load_settings().integration("spa")


class TestPlaces:
    def test_everything_is_kept_below_the_home_of_dagster(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
        settings = load_settings()
        assert settings.home == tmp_path / "home"
        assert settings.data == str(tmp_path / "home" / "data")
        assert settings.database.embedded_dir == tmp_path / "home" / "postgres"
        assert settings.database.url is None

    def test_outcomes_are_kept_for_thirty_days_or_as_long_as_one_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert load_settings().retention_days == 30
        monkeypatch.setenv("ODOO_PIPELINES_RETENTION_DAYS", "7")
        assert load_settings().retention_days == 7

    @pytest.mark.parametrize("days", ["0", "-1", "1.5", "a week", "1000000000000"])
    def test_days_that_are_no_such_number_are_named_with_all_the_other_faults(
        self, days: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ODOO_PIPELINES_RETENTION_DAYS", days)
        assert problems()[0] == "ODOO_PIPELINES_RETENTION_DAYS: must be a whole number of days, from 1 to 36500"
        assert "ODOO_URL is not set" in problems()

    def test_links_lead_to_the_ui_of_this_machine_or_where_one_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert load_settings().ui_url == "http://127.0.0.1:3000"
        monkeypatch.setenv("ODOO_PIPELINES_UI_URL", "https://dagster.example.com/hotel/")
        assert load_settings().ui_url == "https://dagster.example.com/hotel"
        monkeypatch.setenv("ODOO_PIPELINES_UI_URL", "dagster.example.com")
        assert problems()[0].startswith("ODOO_PIPELINES_UI_URL: must begin with http:// or https://")

    def test_without_one_the_home_is_in_the_working_directory(self, tmp_path: Path) -> None:
        assert load_settings().home == tmp_path / ".dagster_home"

    def test_data_and_database_may_be_elsewhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ODOO_PIPELINES_DATA", "s3://hotel/batches")
        monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", "postgresql://ann:geheim@db/hotel")
        settings = load_settings()
        assert settings.data == "s3://hotel/batches"
        assert settings.database.url is not None
        assert settings.database.url.get_secret_value() == "postgresql://ann:geheim@db/hotel"
        assert database_settings() == settings.database

    def test_the_database_can_be_opened_while_the_rest_is_malformed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ODOO_ENABLED", "perhaps")
        monkeypatch.setenv("ODOO_PIPELINES_CONFIG", "/nonexistent")
        assert database_settings().url is None

    def test_child_processes_can_be_given_an_environment_of_their_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for variable in VARIABLES:
            monkeypatch.setenv(variable, "mine")
        monkeypatch.setenv("LANG", "C")
        child = inherited_environment()
        assert not set(VARIABLES) & set(child)
        assert child["LANG"] == "C"


class TestFile:
    @pytest.mark.usefixtures("references")
    def test_several_integrations_each_with_their_own_urls_and_secrets(self, configure: Configure) -> None:
        configure(TWO)
        settings = load_settings(needed="beach")
        grand, beach = settings.integration("grand-hotel"), settings.integration("beach")
        assert grand.connections().external.api_key.get_secret_value() == "grand-key"
        assert beach.connections().external.api_key.get_secret_value() == "beach-key"
        assert beach.connections().external.url == "https://pms.beach.example/api"
        assert (grand.partition, beach.partition) == ("month", "day")
        assert (beach.time_zone, beach.delta_cron) == ("Europe/Vienna", "*/10 * * * *")
        assert str(beach.history_start) == "2026-01-15"

    @pytest.mark.usefixtures("references", "complete")
    def test_the_file_replaces_the_integration_of_the_environment(self, configure: Configure) -> None:
        configure(TWO)
        assert list(load_settings().integrations) == ["grand-hotel", "beach"]

    def test_unset_references_do_not_stop_the_definitions_from_loading(self, configure: Configure) -> None:
        configure(TWO)
        settings = load_settings()
        assert settings.integrations["beach"].external is None
        assert settings.integrations["beach"].partition == "day"

    def test_every_variable_behind_an_unset_reference_is_named_for_the_integration_that_is_needed(
        self, configure: Configure
    ) -> None:
        configure(TWO)
        assert set(problems("grand-hotel")) == {
            "GRAND_KEY (integrations.grand-hotel.external.api_key) is not set",
            "GRAND_SECRET (integrations.grand-hotel.external.api_secret) is not set",
            "ODOO_KEY (integrations.grand-hotel.odoo.api_key) is not set",
        }

    @pytest.mark.usefixtures("references")
    def test_of_several_references_in_one_value_the_unset_ones_are_named(
        self, configure: Configure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(entry(external='{url: "https://${BEACH_HOST}/${TENANT}", api_key: "${GRAND_KEY}"}'))
        monkeypatch.delenv("TENANT", raising=False)
        assert problems("grand") == ["TENANT (integrations.grand.external.url) is not set"]

    @pytest.mark.usefixtures("references")
    def test_an_unset_reference_of_an_optional_setting_is_no_silent_default(
        self, configure: Configure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("GRAND_SECRET")
        configure(TWO)
        assert problems("grand-hotel") == ["GRAND_SECRET (integrations.grand-hotel.external.api_secret) is not set"]

    @pytest.mark.usefixtures("references")
    def test_a_malformed_value_is_named_by_its_variable(
        self, configure: Configure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BEACH_HOST", "")
        monkeypatch.setenv("GRAND_URL", "nonsense")
        configure(entry(external='{url: "${GRAND_URL}", api_key: "${GRAND_KEY}"}'))
        assert problems("grand") == [
            "GRAND_URL (integrations.grand.external.url): must be a URL that starts with http:// or https://"
        ]

    @pytest.mark.usefixtures("references")
    @pytest.mark.parametrize(
        ("text", "policy"),
        [("own", "own"), ("never", "never"), ("always", "always"), ("true", "always"), ("false", "never")],
    )
    def test_orders_are_unlocked_as_one_of_three_words_says_or_as_in_files_of_earlier_versions(
        self, configure: Configure, text: str, policy: str
    ) -> None:
        configure(entry())
        assert load_settings().integrations["grand"].unlock_orders == "own"
        configure(entry(unlock_orders=text))
        assert load_settings().integrations["grand"].unlock_orders == policy

    @pytest.mark.usefixtures("references")
    @pytest.mark.parametrize("text", ["sometimes", "1", "null", '"true"', "[own]"])
    def test_any_other_word_for_it_is_refused_with_the_three(self, configure: Configure, text: str) -> None:
        configure(entry(unlock_orders=text))
        [problem] = problems("grand")
        assert problem.startswith("integrations.grand.unlock_orders: must be own, never or always")

    @pytest.mark.usefixtures("references")
    @pytest.mark.parametrize("literal", ["geheim", '"${GRAND_KEY}x"', "4711", "[geheim]", "null", "$GRAND_KEY"])
    @pytest.mark.parametrize("key", ["api_key", "api_secret"])
    def test_a_literal_secret_is_refused_and_not_repeated(self, configure: Configure, key: str, literal: str) -> None:
        keys = {"api_key": '"${GRAND_KEY}"', key: literal}
        pairs = ", ".join(f"{name}: {value}" for name, value in keys.items())
        configure(entry(external=f'{{url: "https://pms.example", {pairs}}}'))
        found = problems(None)
        reference = "${" + key.upper() + "}"
        assert found == [
            f"integrations.grand.external.{key}: write a reference such as {reference}, never the secret itself"
        ]

    @pytest.mark.usefixtures("references")
    @pytest.mark.parametrize(
        ("changes", "place"),
        [
            ({"partition": "year"}, "partition"),
            ({"history_start": "soon"}, "history_start"),
            ({"history_start": "2999-01-01"}, "history_start"),
            ({"delta_cron": '"every hour"'}, "delta_cron"),
            ({"full_cron": '"* * * * * *"'}, "full_cron"),
            ({"full_cron": '"@reboot"'}, "full_cron"),
            ({"time_zone": "Vienna"}, "time_zone"),
            ({"time_zone": "../etc/passwd"}, "time_zone"),
            ({"rejected_share_limit": "5"}, "rejected_share_limit"),
            ({"overlap_minutes": "-1"}, "overlap_minutes"),
            ({"active": "perhaps"}, "active"),
            ({"auto_sync": "perhaps"}, "auto_sync"),
            ({"aktiv": "true"}, "aktiv"),
            ({"external": '{url: "https://pms.example", api_key: "${GRAND_KEY}", page_size: 0}'}, "external.page_size"),
            ({"external": '{url: "https://pms.example", api_key: "${GRAND_KEY}", verify: no}'}, "external.verify"),
            ({"external": '{url: "pms", api_key: "${GRAND_KEY}"}'}, "external.url"),
            ({"external": "https://pms.example"}, "external"),
        ],
    )
    def test_what_is_malformed_is_named_by_its_place(
        self, configure: Configure, changes: dict[str, str], place: str
    ) -> None:
        configure(entry(**changes))
        assert [problem.partition(":")[0].partition(" ")[0] for problem in problems("grand")] == [
            f"integrations.grand.{place}"
        ]

    @pytest.mark.usefixtures("references")
    @pytest.mark.parametrize("side", ["external", "odoo"])
    def test_a_side_that_is_empty_lacks_everything(self, configure: Configure, side: str) -> None:
        configure(entry(**{side: ""}))
        keys = {"external": ("url", "api_key"), "odoo": ("url", "db", "username", "api_key")}[side]
        assert problems("grand") == [f"integrations.grand.{side}.{key} is not set" for key in keys]

    @pytest.mark.usefixtures("references")
    def test_faults_of_several_integrations_come_in_one_message(self, configure: Configure) -> None:
        configure(TWO.replace("partition: day", "partition: year").replace("db: hotel, username: sync", "dbs: hotel"))
        named = {problem.partition(":")[0].partition(" ")[0] for problem in problems("grand-hotel")}
        assert named == {
            *(
                f"integrations.{name}.odoo.{key}"
                for name in ("grand-hotel", "beach")
                for key in ("db", "dbs", "username")
            ),
            "integrations.beach.partition",
        }

    @pytest.mark.usefixtures("references")
    @pytest.mark.parametrize("name", ["Grand", "grand hotel", "1st", "grand.hotel", "g" * 42, "grand/hotel"])
    def test_a_name_that_cannot_be_part_of_a_key_is_refused(self, configure: Configure, name: str) -> None:
        configure(entry().replace("grand:", f'"{name}":'))
        [problem] = problems(None)
        assert problem.startswith(f"integrations.{name}.name: ")

    @pytest.mark.usefixtures("references")
    def test_names_that_differ_only_in_hyphen_and_underscore_clash(self, configure: Configure) -> None:
        configure(TWO.replace("beach:", "grand_hotel:"))
        assert problems(None) == [
            "integrations 'grand-hotel' and 'grand_hotel' differ only in - and _; rename one of them"
        ]

    @pytest.mark.usefixtures("references")
    def test_a_name_that_occurs_twice_is_refused(self, configure: Configure) -> None:
        configure(TWO.replace("beach:", "grand-hotel:"))
        [problem] = problems(None)
        assert "has a key twice (line 6, column 3)" in problem

    @pytest.mark.usefixtures("references")
    def test_an_inactive_integration_is_known_but_cannot_be_used(self, configure: Configure) -> None:
        configure(entry(active="false"))
        settings = load_settings()
        assert not settings.integrations["grand"].active
        with pytest.raises(ConfigurationError, match="'grand' is switched off"):
            settings.integration("grand")

    @pytest.mark.usefixtures("references")
    @pytest.mark.parametrize("off", ["false", '"false"', '"${SWITCH}"'])
    def test_loads_are_switched_off_for_one_integration(
        self, configure: Configure, off: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SWITCH", "off")
        configure(entry(odoo_enabled=off, odoo="{}").replace("    odoo: {}\n", ""))
        assert load_settings(needed="grand").integration("grand").connections().odoo is None

    @pytest.mark.usefixtures("references")
    def test_the_switch_of_the_environment_is_for_all_integrations(
        self, configure: Configure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(TWO)
        monkeypatch.setenv("ODOO_ENABLED", "false")
        assert not any(each.odoo_enabled for each in load_settings(needed="beach").integrations.values())
        monkeypatch.setenv("ODOO_ENABLED", "perhaps")
        assert {problem.partition(":")[0] for problem in problems("beach")} == {"ODOO_ENABLED"}

    @pytest.mark.usefixtures("references")
    def test_odoo_online_is_driven_gently_unless_told_otherwise(self, configure: Configure) -> None:
        side = 'url: "https://h.odoo.com", db: h, username: sync, api_key: "${ODOO_KEY}", preset: odoo_online'
        configure(entry(odoo=f"{{{side}}}"))
        odoo = load_settings(needed="grand").integration("grand").connections().odoo
        assert odoo is not None
        assert (odoo.requests_per_second, odoo.connections) == (1.0, 1)
        configure(entry(odoo=f"{{{side}, requests_per_second: 0.5}}"))
        odoo = load_settings(needed="grand").integration("grand").connections().odoo
        assert odoo is not None
        assert (odoo.requests_per_second, odoo.connections) == (0.5, 1)

    def test_a_file_that_is_not_there_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ODOO_PIPELINES_CONFIG", "/nonexistent/integrations.yaml")
        [problem] = problems(None)
        assert problem == (
            "ODOO_PIPELINES_CONFIG: /nonexistent/integrations.yaml cannot be read (No such file or directory)"
        )

    def test_a_folder_is_no_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("ODOO_PIPELINES_CONFIG", str(tmp_path))
        [problem] = problems(None)
        assert "cannot be read (Is a directory)" in problem

    @pytest.mark.parametrize(
        "text",
        ["", "[]", "integrations:", "integrations: []", "integrations: {}", "hotels: {}", "4711"],
    )
    def test_a_file_without_integrations_is_refused(self, configure: Configure, text: str) -> None:
        configure(text)
        [problem] = problems(None)
        assert problem.endswith("has no mapping 'integrations' with an entry in it")

    def test_an_entry_must_be_a_mapping(self, configure: Configure) -> None:
        configure("integrations: {grand: yes, beach: [1]}")
        assert {"integrations.grand: must be a mapping", "integrations.beach: must be a mapping"} <= set(problems(None))

    def test_what_is_no_yaml_is_told_by_its_place_and_not_quoted(self, configure: Configure) -> None:
        configure("integrations:\n  grand:\n    external: {api_key: geheim-4711, url\n  odoo: : {")
        with pytest.raises(ConfigurationError) as caught:
            load_settings()
        shown = "".join(traceback.format_exception(caught.value))
        assert "is not valid YAML" in shown
        assert "(line " in shown
        assert "geheim-4711" not in shown

    def test_a_file_that_is_no_text_is_refused(self, configure: Configure) -> None:
        configure("").write_bytes(b"integrations: \xff\xfe\x00")
        [problem] = problems(None)
        assert "is not valid YAML" in problem


SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=40).map(
    lambda text: f"S{text}S"
)


@given(secrets=st.lists(SECRETS, min_size=5, max_size=5, unique=True), broken=st.booleans())
@profile(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_secrets_are_in_no_text_of_anything(
    monkeypatch: pytest.MonkeyPatch, secrets: list[str], *, broken: bool
) -> None:
    odoo, key, secret, password, bucket = secrets
    values = {**COMPLETE, "ODOO_API_KEY": odoo, "PMS_API_KEY": key, "PMS_API_SECRET": secret}
    values["ODOO_ENABLED"] = "true"
    values["ODOO_PIPELINES_DATABASE_URL"] = f"postgresql://ann:{password}@db/hotel"
    values["ODOO_PIPELINES_DATA"] = f"sftp://ann:{bucket}@files/hotel"
    for variable, value in values.items():
        monkeypatch.setenv(variable, value)
    texts = _texts_of(load_settings(needed="pms"))
    if broken:
        for variable in ("ODOO_URL", "PMS_URL", "ODOO_ENABLED"):
            monkeypatch.setenv(variable, "nonsense")
        with pytest.raises(ConfigurationError) as caught:
            load_settings(needed="pms")
        texts += [str(caught.value), repr(caught.value), "".join(traceback.format_exception(caught.value))]
    assert not [(each, text) for text in texts for each in secrets if each in text]


def _texts_of(settings: Settings) -> list[str]:
    integration = settings.integration("pms")
    connections = integration.connections()
    models = [integration, connections.external, connections.odoo]
    things = [settings, settings.database, connections, *models, *(dict(each) for each in models if each)]
    dumped = [each.model_dump_json() for each in models if each]
    return [
        *(shown(each) for each in things for shown in (repr, str)),
        *dumped,
        repr(dataclasses.asdict(settings.database)),
    ]


class TestWebhooks:
    def secrets_of(self, settings: Settings, name: str) -> list[str]:
        return [each.secret.get_secret_value() for each in settings.integrations[name].webhook_secrets]

    def test_without_anything_set_webhooks_are_refused_and_nobody_may_ask_for_a_sync(self) -> None:
        settings = load_settings(receiver=True)
        pms = settings.integrations["pms"]
        assert (pms.webhook_secrets, pms.webhook_unsigned, settings.api_token) == ([], False, None)

    def test_the_variable_lists_secrets_with_commas_between(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PMS_WEBHOOK_SECRETS", "new-secret, old-secret,")
        assert self.secrets_of(load_settings(), "pms") == ["new-secret", "old-secret"]

    def test_the_integration_of_the_environment_is_number_one(self) -> None:
        assert load_settings().integrations["pms"].number == 1

    def test_in_the_file_a_secret_may_have_a_last_day(
        self, configure: Configure, references: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOOK_NEW", "new-secret")
        monkeypatch.setenv("HOOK_OLD", "old-secret")
        configure(entry(webhook_secrets='["${HOOK_NEW}", {secret: "${HOOK_OLD}", until: 2026-12-31}]', number="12"))
        settings = load_settings(receiver=True)
        grand = settings.integrations["grand"]
        assert self.secrets_of(settings, "grand") == ["new-secret", "old-secret"]
        assert [each.until for each in grand.webhook_secrets] == [None, date(2026, 12, 31)]
        assert grand.number == 12

    @pytest.mark.parametrize("written", ["[geheim]", "[{secret: geheim}]", "geheim", '["${HOOK}-geheim"]'])
    def test_a_literal_secret_is_refused_and_not_repeated(
        self, written: str, configure: Configure, references: None
    ) -> None:
        configure(entry(webhook_secrets=written))
        (problem,) = problems(needed=None)
        assert "never the secret itself" in problem
        assert "geheim" not in problem

    @pytest.mark.parametrize("written", ['["${HOOK}"]', '[{secret: "${HOOK}", until: 2026-12-31}]', '"${HOOK}"'])
    def test_the_receiver_does_not_start_without_a_secret_that_the_file_names(
        self, written: str, configure: Configure, references: None
    ) -> None:
        configure(entry(webhook_secrets=written))
        load_settings()
        with pytest.raises(ConfigurationError, match="HOOK") as caught:
            load_settings(receiver=True)
        assert all("HOOK" in problem and "is not set" in problem for problem in caught.value.problems)

    def test_unless_the_integration_is_not_active(self, configure: Configure, references: None) -> None:
        configure(entry(webhook_secrets='["${HOOK}"]', active="false"))
        assert load_settings(receiver=True).integrations["grand"].webhook_secrets == []

    def test_two_integrations_cannot_have_the_same_number(self, configure: Configure, references: None) -> None:
        configure(TWO.replace("    external:", "    number: 3\n    external:"))
        assert problems(needed=None) == ["integrations 'grand-hotel' and 'beach' have the same number 3"]

    def test_secrets_and_token_are_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PMS_WEBHOOK_SECRETS", "hook-secret-1,hook-secret-2")
        monkeypatch.setenv("ODOO_PIPELINES_API_TOKEN", "token-1")
        shown = repr(load_settings())
        assert "hook-secret" not in shown
        assert "token-1" not in shown
