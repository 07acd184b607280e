from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.systems import contacts
from odoo_pipelines.systems.values import UnreadableValueError


@pytest.mark.parametrize(
    ("written", "expected"),
    [(" Ann.X@Example.COM ", "ann.x@example.com"), ("a+b@sub.example.org", "a+b@sub.example.org")],
)
def test_an_address_is_trimmed_and_lower_cased(written: str, expected: str) -> None:
    assert contacts.email(written) == expected


@pytest.mark.parametrize("written", ["ann", "ann@", "ann@host", "a b@example.com", "a@example.com, b@example.com", "@"])
def test_what_is_not_one_address_is_refused(written: str) -> None:
    with pytest.raises(UnreadableValueError) as caught:
        contacts.email(written)
    assert caught.value.code == "invalid_email"
    assert written not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        ("+43 660 1234567", None, "+436601234567"),
        ("0660/123 45 67", "AT", "+436601234567"),
        ("0043 660 1234567", "AT", "+436601234567"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("+33 (0)6 12 34 56 78", "AT", "+33612345678"),
    ],
)
def test_a_number_is_written_in_e164_by_its_country(written: str, country: str | None, expected: str) -> None:
    assert contacts.phone(written, country) == expected


@pytest.mark.parametrize(
    ("written", "country"),
    [("0660 1234567", None), ("0660 1234567", "XX"), ("call me", "AT"), ("12", "AT"), ("+43 1 234567 ext. 89", "AT")],
)
def test_what_e164_cannot_hold_is_refused(written: str, country: str | None) -> None:
    with pytest.raises(UnreadableValueError) as caught:
        contacts.phone(written, country)
    assert caught.value.code == "invalid_phone"
    assert written not in str(caught.value)


@given(st.sampled_from(["AT", "FR", "US", "BR", "JP", "GB"]), st.sampled_from(list(range(4))))
def test_the_national_and_the_international_form_are_one_number(country: str, style: int) -> None:
    example = phonenumbers.example_number(country)
    assert example is not None
    expected = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert contacts.phone(phonenumbers.format_number(example, style), country) == expected


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(written: str) -> None:
    try:
        assert contacts.phone(written, "AT").startswith("+")
    except UnreadableValueError as error:
        assert error.code == "invalid_phone"  # noqa: PT017
