"""Which shard has which account, and how a shard learns which it is."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.cli.parser import parse_arguments
from exporter.config.shards import MAX_SHARDS, Shard, chosen_shard, shard_of
from exporter.errors import ConfigurationError

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", fullmatch=True)
TOTALS = st.integers(min_value=1, max_value=64)
A_THOUSAND = [f"account-{number}" for number in range(1, 1001)]


def shards_of(names: Sequence[str], total: int) -> list[int]:
    return [shard_of(name, total) for name in names]


@given(name=NAMES, total=TOTALS)
def test_every_account_is_of_exactly_one_shard(name: str, total: int) -> None:
    assert [Shard(number, total).has(name) for number in range(total)].count(True) == 1


@given(name=NAMES, total=TOTALS)
def test_another_shard_takes_accounts_over_and_moves_no_other(name: str, total: int) -> None:
    assert shard_of(name, total + 1) in {shard_of(name, total), total}


@given(name=NAMES)
def test_one_shard_has_everything(name: str) -> None:
    assert Shard().has(name)


def test_assignment_is_the_same_in_every_version_of_this_program() -> None:
    # Shards of two versions run side by side during an update: what is written here stays.
    names = ["main", "hedge", "a", "account-1", "account-2"]

    assert shards_of(names, 8) == [6, 3, 0, 2, 6]


def test_thousand_accounts_spread_over_eight_shards() -> None:
    counts = Counter(shards_of(A_THOUSAND, 8))

    assert sorted(counts) == list(range(8))
    # 125 on average; a hash is as even as chance is, whose standard deviation is 10.
    assert (min(counts.values()), max(counts.values())) == (92, 156)


def test_ninth_shard_takes_a_ninth_of_the_accounts() -> None:
    before, after = shards_of(A_THOUSAND, 8), shards_of(A_THOUSAND, 9)

    assert 80 <= sum(a != b for a, b in zip(before, after, strict=True)) <= 140


@pytest.mark.parametrize(
    ("hostname", "number"),
    [("exporter-0", 0), ("bitopro-margin-exporter-3", 3), ("exporter-7.monitoring.svc", 7)],
)
def test_number_is_at_the_end_of_the_host_name(hostname: str, number: int) -> None:
    assert chosen_shard(None, 8, hostname) == Shard(number, 8)


def test_number_can_be_given() -> None:
    assert chosen_shard(2, 8) == Shard(2, 8)


def test_without_flags_there_is_one_shard() -> None:
    assert chosen_shard(None, None) == Shard(0, 1)


NO_ORDINAL = (
    "--shard-from-hostname: the host name {} does not end in a number, as exporter-0 does; it does "
    "in a StatefulSet. Give --shard instead"
)


@pytest.mark.parametrize(
    ("number", "total", "hostname", "problem"),
    [
        (1, None, None, "--total-shards: how many shards are there?"),
        (None, None, "exporter-1", "--total-shards: how many shards are there?"),
        (
            None,
            8,
            None,
            "--total-shards: which of them is this? Give --shard or --shard-from-hostname too",
        ),
        (
            1,
            8,
            "exporter-1",
            "--shard and --shard-from-hostname are both given; which one is meant?",
        ),
        (8, 8, None, "--shard: 8 is none of 8, which are 0 to 7"),
        (None, 8, "exporter-8", "--shard-from-hostname: 8 is none of 8, which are 0 to 7"),
        (None, 8, "laptop", NO_ORDINAL.format("laptop")),
        (None, 8, "web3", NO_ORDINAL.format("web3")),
        # Pods of a Deployment.
        (None, 8, "exporter-5d9c-x2x4z", NO_ORDINAL.format("exporter-5d9c-x2x4z")),
        (None, 8, "exporter-24567", NO_ORDINAL.format("exporter-24567")),
    ],
)
def test_shard_that_cannot_be_is_refused(
    number: int | None, total: int | None, hostname: str | None, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        chosen_shard(number, total, hostname)

    assert caught.value.problems == (problem,)


@pytest.mark.parametrize(
    "flag",
    [
        "--shard=-1",
        "--shard=x",
        "--shard=",
        "--shard=\u0661",
        f"--shard={MAX_SHARDS}",
        "--total-shards=0",
        "--total-shards=8.0",
        f"--total-shards={MAX_SHARDS + 1}",
    ],
)
def test_count_that_is_none_is_wrong_usage(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments([flag])

    assert caught.value.code == 2
    assert "a whole number from" in capsys.readouterr().err
