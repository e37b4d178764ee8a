"""Measure and compare; run by `make bench`. Results go to benchmarks/results and the terminal."""

import argparse
from collections.abc import Sequence

from benchmarks import chain, footprint, ingest, pauses, real_prometheus, scrapes
from benchmarks.tables import say, say_table, write_json

# One, what one address can poll every 15 s, and what it can poll once a minute.
_SIZES = (1, 135, 595)
_LARGE = 595


def main() -> None:
    """Run the parts that were asked for."""
    parts = {
        "scrapes": _scrapes,
        "ingest": _ingest,
        "pauses": _pauses,
        "footprint": _footprint,
        "prometheus": _prometheus,
        "chain": _chain,
    }
    parser = argparse.ArgumentParser(description="Measure the exporter and others like it.")
    parser.add_argument("--part", action="append", choices=parts, help="only this; repeatable")
    parser.add_argument(
        "--accounts", action="append", type=int, metavar="N", help="only this size of scrapes"
    )
    options = parser.parse_args()
    for name in options.part or parts:
        parts[name](options.accounts or _SIZES)


def _scrapes(sizes: Sequence[int]) -> None:
    for accounts in sizes:
        rows, memory = scrapes.measure(accounts)
        write_json(f"scrapes-{accounts}", rows)
        write_json(f"memory-{accounts}", memory)
        say(f"{accounts} accounts of 20 currencies\n")
        _say_scrapes(rows)
        say_table(
            ("contender", "RSS MB", "PSS MB"),
            [(each.contender, f"{each.rss_mb:.0f}", f"{each.pss_mb:.0f}") for each in memory],
        )


def _say_scrapes(rows: list[scrapes.Row]) -> None:
    floors = {
        (each.figure, each.gzip): each.cpu_ms for each in rows if each.contender == "constant bytes"
    }
    say_table(
        ("figure", "encoding", "contender", "CPU ms", "of floor", "p50 ms", "p99 ms", "bytes", "n"),
        [
            (
                each.figure,
                "gzip" if each.gzip else "plain",
                each.contender,
                f"{each.cpu_ms:.2f}",
                f"{each.cpu_ms / floors[each.figure, each.gzip]:.2f}",
                f"{each.p50_ms:.1f}",
                f"{each.p99_ms:.1f}",
                f"{each.body_bytes}",
                f"{each.samples}",
            )
            for each in sorted(rows, key=lambda each: (each.figure, each.gzip))
        ],
    )


def _ingest(_: Sequence[int]) -> None:
    rows = ingest.measure()
    write_json("ingest", rows)
    say_table(("step of a poll", "CPU µs"), [(each.step, f"{each.cpu_us:.0f}") for each in rows])
    share, polls = ingest.accounts_per_core(rows[-1].cpu_us)
    say(f"at the budget of requests, polls take {share:.1%} of a core; a core could do {polls:.0f}")
    say("polls per second\n")


def _pauses(_: Sequence[int]) -> None:
    rows = [row for accounts in _SIZES[1:] for row in pauses.measure(accounts)]
    write_json("pauses", rows)
    say_table(
        ("accounts", "longest step, CPU ms", "on the wall, ms"),
        [(f"{each.accounts}", f"{each.cpu_ms:.1f}", f"{each.wall_ms:.1f}") for each in rows],
    )


def _footprint(_: Sequence[int]) -> None:
    rows = footprint.measure()
    write_json("footprint", rows)
    say_table(("figure", "value"), [(each.figure, f"{each.value:.2f}") for each in rows])


def _prometheus(_: Sequence[int]) -> None:
    rows = real_prometheus.measure(_LARGE)
    write_json("prometheus", rows)
    if not rows:
        say("no Prometheus is installed: its scrape duration was not measured\n")
    say_table(
        ("target", "series", "scrape_duration_seconds, median ms"),
        [(each.target, f"{each.series:.0f}", f"{each.median_ms:.0f}") for each in rows],
    )


def _chain(_: Sequence[int]) -> None:
    rows = [row for accounts in (1, 150) for row in chain.measure(accounts)]
    write_json("chain", rows)
    if not rows:
        say("no Prometheus or Alertmanager is installed: the cost of the chain was not measured\n")
    say_table(
        ("accounts", "every", "series", "samples a second", "CPU ms a second"),
        [
            (
                f"{each.accounts}",
                f"{each.interval_seconds} s",
                f"{each.series:.0f}",
                f"{each.samples_per_second:.0f}",
                f"{each.cpu_ms_per_second:.0f}",
            )
            for each in rows
        ],
    )


if __name__ == "__main__":
    main()
