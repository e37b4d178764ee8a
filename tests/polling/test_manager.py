"""What the poller of an account with other settings takes over from the one before it."""

from dataclasses import replace

import pytest

from exporter.bitopro.signing import Credentials
from exporter.config.files import CredentialSource, Secret
from exporter.config.settings import AccountSettings
from exporter.errors import AuthenticationError, NetworkError, PollError, RateLimitedError
from exporter.polling.manager import AccountPoller
from exporter.state import Account

NOW, SOON, LATER = 1000.0, 1005.0, 1060.0
KEY, OTHER_KEY = Credentials("key", "secret", "a@b"), Credentials("other", "secret", "a@b")
SECRET = Secret("setting", value="text")
SETTINGS = AccountSettings(
    Account("main", "https://exchange.test", poll_interval_seconds=15.0, stale_after_seconds=45.0),
    CredentialSource(SECRET, SECRET, SECRET),
)
OTHER_SETTINGS = replace(SETTINGS, account=replace(SETTINGS.account, poll_interval_seconds=5.0))


def poller(due: float, error: PollError | None = None) -> AccountPoller:
    return AccountPoller(SETTINGS, KEY, due, account_id="1", error=error)


def test_same_settings_and_key_are_the_same_pollers() -> None:
    assert poller(LATER).is_for(SETTINGS, KEY)
    assert not poller(LATER).is_for(OTHER_SETTINGS, KEY)
    assert not poller(LATER).is_for(SETTINGS, OTHER_KEY)


@pytest.mark.parametrize(("due", "expected"), [(LATER, SOON), (NOW, NOW)])
def test_next_poll_comes_no_later_than_with_either_settings(due: float, expected: float) -> None:
    assert poller(due).reconfigured(OTHER_SETTINGS, KEY, SOON).due_monotonic_seconds == expected


@pytest.mark.parametrize(
    "error",
    [RateLimitedError("wait", 60.0), AuthenticationError("no"), NetworkError("no answer")],
    ids=["rate limit", "rejected key", "network"],
)
def test_pause_after_a_failure_is_kept(error: PollError) -> None:
    reconfigured = poller(LATER, error).reconfigured(OTHER_SETTINGS, KEY, SOON)

    assert reconfigured.due_monotonic_seconds == LATER
    assert reconfigured.error is error


def test_rate_limit_is_waited_for_with_another_key_too() -> None:
    reconfigured = poller(LATER, RateLimitedError("wait", 60.0)).reconfigured(
        SETTINGS, OTHER_KEY, SOON
    )

    assert reconfigured.due_monotonic_seconds == LATER


def test_other_key_in_the_place_of_a_rejected_one_is_tried_soon() -> None:
    reconfigured = poller(LATER, AuthenticationError("no")).reconfigured(SETTINGS, OTHER_KEY, SOON)

    assert reconfigured.due_monotonic_seconds == SOON
    assert reconfigured.error is None


def test_account_is_known_and_another_key_is_not_proven_to_be_its() -> None:
    same_key = poller(LATER).reconfigured(OTHER_SETTINGS, KEY, SOON)
    other_key = poller(LATER).reconfigured(SETTINGS, OTHER_KEY, SOON)

    assert (same_key.account_id, same_key.is_key_new) == ("1", False)
    assert (other_key.account_id, other_key.is_key_new) == ("1", True)


def test_key_that_was_not_proven_yet_is_still_not() -> None:
    unproven = poller(LATER).reconfigured(SETTINGS, OTHER_KEY, SOON)

    assert unproven.reconfigured(OTHER_SETTINGS, OTHER_KEY, SOON).is_key_new
