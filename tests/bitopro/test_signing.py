import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.bitopro.signing import (
    Credentials,
    NonceSource,
    encode_payload,
    sign_payload,
    signed_headers,
)


def test_signature_of_the_published_vector() -> None:
    payload = "eyJpZGVudGl0eSI6ImhjbWxpbmpAZ21haWwuY29tIiwibm9uY2UiOjE1NTQzODA5MDkxMzF9"

    assert sign_payload("bitopro", payload) == (
        "01a85a9083db47c20da7196380598f3feacd3c76a9077aaf7ffaf08ce0091abf"
        "65b61778792607b010921adfe1c2941a"
    )


def test_payload_of_the_published_vector() -> None:
    assert encode_payload("hcmlinj@gmail.com", 1554380909131) == (
        "eyJpZGVudGl0eSI6ImhjbWxpbmpAZ21haWwuY29tIiwibm9uY2UiOjE1NTQzODA5MDkxMzF9"
    )


def test_headers_of_a_private_request() -> None:
    headers = signed_headers(Credentials("a-key", "bitopro", "hcmlinj@gmail.com"), 1554380909131)

    assert headers == {
        "X-BITOPRO-APIKEY": "a-key",
        "X-BITOPRO-PAYLOAD": (
            "eyJpZGVudGl0eSI6ImhjbWxpbmpAZ21haWwuY29tIiwibm9uY2UiOjE1NTQzODA5MDkxMzF9"
        ),
        "X-BITOPRO-SIGNATURE": (
            "01a85a9083db47c20da7196380598f3feacd3c76a9077aaf7ffaf08ce0091abf"
            "65b61778792607b010921adfe1c2941a"
        ),
    }


@given(email=st.text(st.characters(exclude_categories=["Cs"])), nonce_ms=st.integers(0, 2**53))
def test_any_email_and_nonce_survive_the_payload(email: str, nonce_ms: int) -> None:
    payload = encode_payload(email, nonce_ms)

    assert json.loads(base64.b64decode(payload)) == {"identity": email, "nonce": nonce_ms}


def test_credentials_do_not_show_themselves() -> None:
    assert repr(Credentials("a-key", "a-secret", "an@email")) == "Credentials()"


def test_nonce_is_the_clock_in_milliseconds() -> None:
    assert NonceSource(lambda: 1554380909.131).next_ms() == 1554380909131


def test_nonces_within_one_millisecond_rise() -> None:
    nonces = NonceSource(lambda: 1.0)

    assert [nonces.next_ms() for _ in range(3)] == [1000, 1001, 1002]


def test_nonces_rise_over_a_clock_that_steps_back() -> None:
    readings = iter([3600.0, 10.0])
    nonces = NonceSource(lambda: next(readings))

    assert [nonces.next_ms(), nonces.next_ms()] == [3_600_000, 3_600_001]


def test_rewound_nonces_follow_the_clock_again() -> None:
    readings = iter([3600.0, 10.0])
    nonces = NonceSource(lambda: next(readings))
    nonces.next_ms()

    nonces.rewind()

    assert nonces.next_ms() == 10_000


_REWIND = None


@given(st.lists(st.one_of(st.just(_REWIND), st.floats(0, 0.02)), max_size=200))
def test_no_nonce_is_ever_given_twice(events: list[float | None]) -> None:
    now = 0.0
    nonces = NonceSource(lambda: now)
    given_ms = []
    for event in events:
        if event is _REWIND:
            nonces.rewind()
        else:
            now = event
            given_ms.append(nonces.next_ms())

    assert len(set(given_ms)) == len(given_ms)


@pytest.mark.parametrize("polls", [1024, 3000])
def test_a_rewound_source_skips_what_it_remembers(polls: int) -> None:
    now = 0.0
    nonces = NonceSource(lambda: now)
    recent = [nonces.next_ms() for _ in range(polls)][-1024:]
    now = recent[0] / 1000

    nonces.rewind()

    assert nonces.next_ms() == recent[-1] + 1
