from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.errors import (
    ExternalAuthenticationError,
    ExternalProtocolError,
    ExternalRequestError,
)
from odoo_pipelines.http.answers import Answer, LostBodyError, checked, read_json, storable

_PLACE = "GET https://a.example/orders"


def _answer(body: bytes = b"confidential", status: int = 200) -> Answer:
    return Answer(_PLACE, status, body)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_2xx_passes(status: int) -> None:
    assert checked(_answer(status=status)).status == status


@pytest.mark.parametrize(
    ("status", "error", "fix"),
    [
        (400, ExternalRequestError, "The log of the external system"),
        (401, ExternalAuthenticationError, "Check API key and secret, and that the clock"),
        (403, ExternalAuthenticationError, "Give the API key the right"),
        (404, ExternalRequestError, "Check the URL"),
        (409, ExternalRequestError, "The log of the external system"),
        (422, ExternalRequestError, "The log of the external system"),
        (499, ExternalRequestError, "The log of the external system"),
        (100, ExternalProtocolError, "set the URL"),
        (304, ExternalProtocolError, "set the URL"),
    ],
)
def test_any_other_status_is_an_error_with_a_cure_and_without_the_body(
    status: int, error: type[Exception], fix: str
) -> None:
    with pytest.raises(error, match=fix) as caught:
        checked(_answer(status=status))
    assert str(status) in str(caught.value)
    assert _PLACE in str(caught.value)
    assert "confidential" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b'{"confidential": NaN}',
        b'{"confidential": NaN',
        b'{"confidential": -Infinity}',
        b'{"confidential": NaN, "n": 12345678901234567890}',
        b'{"confidential": NaN, "n": ' + b"9" * 5000 + b"}",
        b'{"confidential": "\xff"}',
        b'{"confidential": "\xff", "t": "\\ud83d"}',
        b'{"confidential": "\xed\xa0\xbd", "t": "\\ud83d"}',  # a surrogate in UTF-8 bytes
        b'{"confidential": "\x01"}',
        b'{"confidential": 01}',
        b"{'confidential': 1}",
        b'{"confidential": 1} {"confidential": 2}',
        b'{"confidential": 1}\0\0\0',
        b'{"confidential": 1}]',
        b"confidential",
        b"\x1f\x8b\x08confidential",  # compressed, and nothing says so
        b"[" * 100_000,
        b"\\ud83d" + b"[" * 100_000,
        b'["\\ud83d",' + b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_json_is_a_protocol_error_with_a_cure_and_without_the_body(body: bytes) -> None:
    with pytest.raises(ExternalProtocolError, match=r"not valid JSON.*Check that the URL.*NaN") as caught:
        read_json(_answer(body))
    assert "confidential" not in str(caught.value)


HUGE = "9" * 5_000
DEEP = "[" * 3_000 + "1" + "]" * 3_000


@pytest.mark.parametrize("hostile", [HUGE, f"-{HUGE}", "1e999", f"1.{HUGE}e400", f"{HUGE}.5", DEEP, f'{{"a": {DEEP}}}'])
@pytest.mark.parametrize("other", ["", ', "t": "\\ud83d"', ', "n": 12345678901234567890'])
def test_a_value_that_python_cannot_hold_costs_no_other_row(hostile: str, other: str) -> None:
    body = f'{{"data": [{{"id": 1, "x": {hostile}{other}}}, {{"id": 2, "t": "[{{"}}]}}'
    first, second = read_json(_answer(body.encode()))["data"]
    assert (first["id"], second) == (1, {"id": 2, "t": "[{"})
    assert hostile.strip('{"a: }')[:100] in orjson.dumps(first["x"]).decode()  # its own text is kept


def test_the_error_tells_from_where_on_it_is_no_json() -> None:
    with pytest.raises(ExternalProtocolError, match="with 12 bytes that are not valid JSON from byte 10 on"):
        read_json(_answer('{"ä": 1} {}'.encode()))


@pytest.mark.parametrize("body", [b"", b" ", b"\r\n \t\n"])
def test_an_empty_body_is_a_lost_one(body: bytes) -> None:
    with pytest.raises(LostBodyError, match="answered 200 with an empty body"):
        read_json(_answer(body))


_DOCUMENT = {
    "data": [{"id": 1, "t": "Zoë \U0001f600", "n": -12.5e-3, "more": [True, False, None, {}, []]}, {"id": 10**30}],
    "next_cursor": None,
}


@pytest.mark.parametrize("as_ascii", [True, False])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_body_that_is_cut_off_anywhere_is_a_lost_one(*, as_ascii: bool, indent: int | None) -> None:
    body = json.dumps(_DOCUMENT, ensure_ascii=as_ascii, indent=indent).encode()
    for length in range(1, len(body)):
        with pytest.raises(LostBodyError, match=f"{length} bytes that end in the middle of their JSON"):
            read_json(_answer(body[:length]))
    assert read_json(_answer(body)) == _DOCUMENT


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html><h1>We will be back soon</h1></html>", ""),
        (b"\n<!DOCTYPE html>", "application/json"),
        (b"We will be back soon", "text/html; charset=utf-8"),
        (b'{"data": [{"id": 1}, <br /><b>Fatal error</b>: out of memory', "application/json"),
        ('{"data": [{"t": "ä"}, <br />'.encode(), "application/json"),
    ],
)
def test_a_web_page_in_place_of_json_is_a_lost_body(body: bytes, content_type: str) -> None:
    with pytest.raises(LostBodyError, match="answered 200 with a web page in place of JSON") as caught:
        read_json(replace(_answer(body), content_type=content_type))
    assert "no proxy or login page" in caught.value.fix


def test_json_that_is_called_a_web_page_is_read() -> None:
    assert read_json(replace(_answer(b"[1]"), content_type="text/html")) == [1]


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**63) - 1, 10**30, 9007199254740993])
def test_an_integer_of_any_size_arrives_unchanged(number: int) -> None:
    value = read_json(_answer(b'{"id": %d}' % number))
    assert value == {"id": number}
    assert type(value["id"]) is int


def test_of_equal_keys_the_last_counts_on_both_ways_of_reading() -> None:
    assert read_json(_answer(b'{"a": 1, "a": 2}')) == {"a": 2}
    assert read_json(_answer(b'{"a": 1, "a": 12345678901234567890}')) == {"a": 12345678901234567890}


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
).filter(lambda value: "inf" not in repr(value))


@given(_json)
def test_what_a_server_sends_is_what_we_read(value: Any) -> None:
    assert read_json(_answer(orjson.dumps(value))) == value


def test_a_number_keeps_what_a_double_can_hold() -> None:
    value = read_json(_answer(b"[0.1, 1234567.89, 0.1000000000000000055511151231257827]"))
    assert value == [0.1, 1234567.89, 0.1]
    assert all(math.isfinite(number) for number in value)


def test_half_a_surrogate_pair_costs_its_field_and_everything_else_stays() -> None:
    answer = _answer(b'[{"id": 1, "t": "\\ud83d\\ude00"}, {"id": 2, "t": "\\ud83d"}, {"id": 3}]')
    rows = storable(read_json(answer), answer)
    assert rows == [{"id": 1, "t": "\U0001f600"}, {"id": 2, "t": ['"\\ud83d"']}, {"id": 3}]
    assert orjson.dumps(rows)


def test_rows_are_left_alone_otherwise() -> None:
    rows = [{"id": 1, "t": "\U0001f600"}, None, 7]
    assert storable(rows, _answer(orjson.dumps(rows))) is rows


@given(_json, st.data())
def test_the_beginning_of_what_a_server_sends_is_a_lost_body(value: Any, data: st.DataObject) -> None:
    body = orjson.dumps([value])
    with pytest.raises(LostBodyError):
        read_json(_answer(body[: data.draw(st.integers(0, len(body) - 1))]))
