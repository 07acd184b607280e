"""Signatures: who is let in. The cases are those of the public test vectors of Standard Webhooks and Stripe."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from standardwebhooks import Webhook

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.integration import Integration
from odoo_pipelines.webhooks.refusals import NOT_SIGNED, UNSIGNED, RefusedError
from odoo_pipelines.webhooks.signatures import RawHeaders, check_signature, read_signature, signing_keys
from odoo_pipelines_tests.webhooks.site import NOW, SECRET, a_hotel, signature_of

BODY = b'{"event_type": "booking.updated", "data": {"id": 7}}'
TODAY = datetime.fromtimestamp(NOW, UTC).date()
STANDARD_SECRET = "whsec_" + base64.b64encode(b"standard-key-of-24-bytes").decode()


def own(
    *, timestamp: str | None = None, signature: str | None = None, secret: str = SECRET, body: bytes = BODY
) -> list[tuple[bytes, bytes]]:
    when = str(int(NOW)) if timestamp is None else timestamp
    right = signature_of(body, when, secret) if signature is None else signature
    return [(b"x-webhook-timestamp", when.encode()), (b"x-webhook-signature", right.encode())]


def standard(
    message_id: str = "msg_1", *, now: float = NOW, secret: str = STANDARD_SECRET
) -> list[tuple[bytes, bytes]]:
    """Headers as the library of Standard Webhooks makes them."""
    made = Webhook(secret).sign(message_id, datetime.fromtimestamp(now, UTC), BODY.decode())
    values = {"webhook-id": message_id, "webhook-timestamp": str(int(now)), "webhook-signature": made}
    return [(name.encode(), value.encode()) for name, value in values.items()]


def replaced(headers: list[tuple[bytes, bytes]], name: bytes, value: bytes) -> list[tuple[bytes, bytes]]:
    return [(each, value if each == name else old) for each, old in headers]


def check(headers: RawHeaders, hotel: Integration | None = None, *, body: bytes = BODY, now: float = NOW) -> str | None:
    return check_signature(read_signature(headers, signing_keys(hotel or a_hotel()), now), body)


def refused(headers: RawHeaders, hotel: Integration | None = None, *, body: bytes = BODY, now: float = NOW) -> str:
    """The reason for the log; the sender is told the same for all of them."""
    with pytest.raises(RefusedError) as caught:
        check(headers, hotel, body=body, now=now)
    assert caught.value.refusal in (NOT_SIGNED, UNSIGNED)
    return caught.value.reason


def test_the_example_of_the_contract_is_let_in() -> None:
    # printf '1790000000{}' | openssl dgst -sha256 -hmac topsecret
    made = "7e0ffeed3fd0c4020ea29eb67f4140b0052a85ba2f84a240d3a7455ae5696da8"
    headers = own(timestamp="1790000000", signature=made)
    hotel = a_hotel(webhook_secrets="topsecret")
    assert check(headers, hotel, body=b"{}") is None


@pytest.mark.parametrize("missing", [b"x-webhook-timestamp", b"x-webhook-signature"])
def test_a_missing_header_is_refused(missing: bytes) -> None:
    assert refused([each for each in own() if each[0] != missing]) == "header missing"


@pytest.mark.parametrize("name", [b"x-webhook-timestamp", b"x-webhook-signature"])
def test_a_header_that_comes_twice_is_refused_even_with_the_same_value(name: bytes) -> None:
    assert refused([*own(), *(each for each in own() if each[0] == name)]) == "header repeated"


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_timestamp_may_be_300_seconds_off_either_way(seconds: int) -> None:
    assert check(own(timestamp=str(int(NOW) + seconds))) is None


@pytest.mark.parametrize("seconds", [-301, 301, -86_400, 10**9])
def test_a_stale_or_future_timestamp_is_refused(seconds: int) -> None:
    assert refused(own(timestamp=str(int(NOW) + seconds))) == "timestamp"


@pytest.mark.parametrize(
    "written", ["", " ", "now", "NaN", "inf", "-1790000000", "+1790000000", "1790000000.0", "1_790_000_000", "9" * 400]
)
def test_a_timestamp_that_is_no_number_of_seconds_is_refused(written: str) -> None:
    assert refused(own(timestamp=written)) == "header malformed"


@pytest.mark.parametrize(
    "value", ["\uff11\uff17\uff19\uff10\uff10\uff10\uff10\uff10\uff10\uff10".encode(), b"\xff\xfe", b"1790000000\x00"]
)
def test_a_timestamp_in_other_digits_or_bytes_is_refused(value: bytes) -> None:
    assert refused(replaced(own(), b"x-webhook-timestamp", value)) == "header malformed"


@pytest.mark.parametrize(
    "signature", ["", "0" * 63, "0" * 65, "g" * 64, "v1=" + "0" * 64, signature_of(BODY, str(int(NOW))).upper()]
)
def test_a_signature_that_is_not_64_lower_case_hex_digits_is_refused(signature: str) -> None:
    assert refused(own(signature=signature)) == "signature malformed"


def test_a_signature_that_is_not_ascii_is_refused() -> None:
    assert refused(replaced(own(), b"x-webhook-signature", "ä".encode() * 32)) == "signature malformed"


def test_a_wrong_key_is_refused() -> None:
    assert refused(own(secret="another")) == "signature"


def test_a_changed_body_is_refused() -> None:
    assert refused(own(), body=BODY.replace(b"7", b"8")) == "signature"


def test_a_timestamp_that_was_not_signed_is_refused() -> None:
    assert refused(replaced(own(), b"x-webhook-timestamp", str(int(NOW) + 1).encode())) == "signature"


def test_of_several_signatures_one_must_be_right() -> None:
    right = signature_of(BODY, str(int(NOW)))
    assert check(own(signature=f"{'0' * 64}, {right}")) is None
    assert check(own(signature=f"nonsense,{right}")) is None
    assert refused(own(signature=f"{'0' * 64},{'1' * 64}")) == "signature"


def test_a_list_of_signatures_has_an_end() -> None:
    right = signature_of(BODY, str(int(NOW)))
    assert refused(own(signature=",".join(["0" * 64] * 16 + [right]))) == "signature"


def test_while_a_secret_is_changed_both_are_good() -> None:
    hotel = a_hotel(webhook_secrets="old,new")
    assert check(own(secret="old"), hotel) is None
    assert check(own(secret="new"), hotel) is None


@pytest.mark.parametrize(("until", "good"), [("2026-09-20", False), (TODAY.isoformat(), True), ("2027-01-01", True)])
def test_a_secret_is_good_until_the_end_of_its_last_day(until: str, good: bool) -> None:
    hotel = a_hotel(webhook_secrets=["new", {"secret": "old", "until": until}])
    assert check(own(secret="new"), hotel) is None
    if good:
        assert check(own(secret="old"), hotel) is None
    else:
        assert refused(own(secret="old"), hotel) == "signature"


@pytest.mark.parametrize("secrets", [[], [{"secret": "old", "until": date(2020, 1, 1)}]])
def test_without_a_secret_that_is_still_good_nothing_is_let_in(secrets: list[object]) -> None:
    assert refused(own(secret="old"), a_hotel(webhook_secrets=secrets)) == "no secret"


class TestStandardWebhooks:
    hotel = a_hotel(webhook_secrets=STANDARD_SECRET)

    def test_what_their_library_signs_is_let_in_with_the_id_of_the_message(self) -> None:
        assert check(standard("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"), self.hotel) == "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"

    def test_their_own_test_vector_is_let_in(self) -> None:
        headers = [
            (b"webhook-id", b"msg_p5jXN8AQM9LWM0D4loKWxJek"),
            (b"webhook-timestamp", b"1614265330"),
            (b"webhook-signature", b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ]
        hotel = a_hotel(webhook_secrets="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        assert check(headers, hotel, body=b'{"test": 2432232314}', now=1614265330) == "msg_p5jXN8AQM9LWM0D4loKWxJek"

    def test_of_several_signatures_one_must_be_right_and_other_versions_are_passed_over(self) -> None:
        headers = standard()
        right = dict(headers)[b"webhook-signature"]
        several = b"v1a,abc v2,%s v1,%s %s" % (b"A" * 43 + b"=", b"A" * 43 + b"=", right)
        assert check(replaced(headers, b"webhook-signature", several), self.hotel) == "msg_1"

    @pytest.mark.parametrize("name", [b"webhook-id", b"webhook-timestamp"])
    def test_a_missing_header_is_refused(self, name: bytes) -> None:
        assert refused([each for each in standard() if each[0] != name], self.hotel) == "header missing"

    def test_another_message_id_than_the_signed_one_is_refused(self) -> None:
        assert refused(replaced(standard(), b"webhook-id", b"msg_2"), self.hotel) == "signature"

    @pytest.mark.parametrize("value", [b"", b"v1", b"v1,", b"v1,not base64", b"v1,%s" % (b"\xff" * 44), b"," * 100])
    def test_a_malformed_signature_is_refused(self, value: bytes) -> None:
        assert refused(replaced(standard(), b"webhook-signature", value), self.hotel) == "signature malformed"

    @pytest.mark.parametrize("seconds", [-301, 301])
    def test_a_stale_or_future_one_is_refused(self, seconds: int) -> None:
        assert refused(standard(now=NOW + seconds), self.hotel) == "timestamp"

    def test_beside_the_own_headers_these_do_not_count(self) -> None:
        assert refused([*own(secret="wrong"), *standard()], self.hotel) == "signature"

    def test_the_plain_text_of_a_secret_signs_in_the_own_way(self) -> None:
        assert check(own(secret=STANDARD_SECRET), self.hotel) is None

    @pytest.mark.parametrize("secret", ["whsec_", "whsec_%%%", "whsec_geheim="])
    def test_a_secret_that_is_no_base64_is_a_fault_of_the_configuration(self, secret: str) -> None:
        with pytest.raises(ConfigurationError, match=r"hotel\.webhook_secrets: 'whsec_' must be followed") as caught:
            signing_keys(a_hotel(webhook_secrets=[secret]))
        assert "geheim" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    keys = signing_keys(a_hotel(webhook_secrets=[SECRET, STANDARD_SECRET]))
    shown = repr(keys) + repr(a_hotel()) + a_hotel().model_dump_json()
    assert SECRET not in shown
    assert STANDARD_SECRET not in shown


def test_a_blank_secret_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ValidationError):
        a_hotel(webhook_secrets=[" "])


@given(
    st.lists(
        st.tuples(
            st.sampled_from([name for name, _ in [*own(), *standard()]]), st.binary() | st.sampled_from([b"1790000000"])
        )
    )
)
def test_whatever_is_in_the_headers_the_answer_is_a_refusal(headers: list[tuple[bytes, bytes]]) -> None:
    refused(headers)
