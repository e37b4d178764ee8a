"""Faults of caches: a good answer that is a copy of an earlier one, by its headers or its Date."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime

from exporter.simulator.faults.fault import Fault, InAnswer
from exporter.simulator.messages import Answer

# What caches say of a copy, and what they say when they asked the exchange.
_COPIES = (
    ("age", "Age", "600"),
    ("age-one-second", "Age", "1"),
    ("x-cache-hit", "X-Cache", "HIT"),
    ("x-cache-second-hit", "X-Cache", "MISS, HIT"),
    ("x-cache-cloudfront", "X-Cache", "Hit from cloudfront"),
    ("x-cache-refresh-hit", "X-Cache", "RefreshHit from cloudfront"),
    ("x-cache-akamai", "X-Cache", "TCP_MEM_HIT from a1.example (AkamaiGHost/1.0)"),
    ("x-cache-hits", "X-Cache-Hits", "0, 3"),
    ("x-cache-status-stale", "X-Cache-Status", "STALE"),
    ("x-cache-status-updating", "X-Cache-Status", "UPDATING"),
    ("x-proxy-cache-hit", "X-Proxy-Cache", "HIT"),
    ("x-varnish-hit", "X-Varnish", "32773 3"),
    ("cloudflare-hit", "CF-Cache-Status", "HIT"),
    ("cloudflare-revalidated", "CF-Cache-Status", "REVALIDATED"),
    ("cache-status-hit", "Cache-Status", 'Edge; hit; ttl=30; key="/v3"'),
    ("cache-status-second-hit", "Cache-Status", "Origin; fwd=miss, Edge; hit"),
    ("cache-status-revalidated", "Cache-Status", "Edge; fwd=stale; fwd-status=304"),
    ("cache-status-bare", "Cache-Status", "HIT"),
    ("x-from-cache", "X-From-Cache", "1"),
    ("x-cached", "X-Cached", "true"),
    ("x-cache-quoted", "X-Cache", '"HIT"'),
    ("x-cache-second-of-a-line", "X-Cache", "MISS from a.example HIT from b.example"),
    ("x-cache-old", "X-Cache", "TCP_REFRESH_FAIL_OLD from squid.example"),
    ("x-cache-hit-stale", "X-Cache", "HIT_STALE"),
    ("x-cache-from-cache", "X-Cache", "from cache"),
    ("x-rack-cache-fresh", "X-Rack-Cache", "fresh"),
    ("x-cache-lookup-memory", "X-Cache-Lookup", "Hit From MemCache"),
    ("server-timing-hit", "Server-Timing", "cdn-cache; desc=HIT, edge; dur=1"),
    ("cache-status-escaped-quote", "Cache-Status", '"a\\""; hit, B; fwd="x"'),
    ("cache-status-stale-error", "Cache-Status", "Edge; fwd=stale; fwd-status=500"),
    ("warning-stale", "Warning", '110 - "Response is Stale"'),
    ("warning-revalidation", "Warning", '111 - "Revalidation Failed"'),
    ("warning-heuristic", "Warning", '199 - "odd", 113 - "Heuristic Expiration"'),
)
_FRESH = (
    ("age-zero", "Age", "0"),
    ("x-cache-miss", "X-Cache", "Miss from cloudfront"),
    ("x-cache-hits-zero", "X-Cache-Hits", "0, 0"),
    ("x-cache-lookup", "X-Cache-Lookup", "HIT from proxy.example:3128"),
    ("x-cache-status-expired", "X-Cache-Status", "EXPIRED"),
    ("x-varnish-two-misses", "X-Varnish", "32773, 98310"),
    ("x-cache-hit-for-pass", "X-Cache", "pass, hit-for-pass"),
    ("x-cache-not-hit", "X-Cache", "NOT_HIT"),
    ("cache-status-of-that-name", "Cache-Status", "Cached; fwd=miss"),
    ("server-timing-miss", "Server-Timing", "cdn-cache; desc=MISS, edge; dur=1"),
    ("warning-quoted", "Warning", '199 - "a, 110 b"'),
    ("x-varnish-miss", "X-Varnish", "32773"),
    ("cloudflare-dynamic", "CF-Cache-Status", "DYNAMIC"),
    ("cloudflare-bypass", "CF-Cache-Status", "BYPASS"),
    ("cache-status-forwarded", "Cache-Status", 'Edge; fwd=stale; fwd-status=200; key="hit"'),
    ("cache-status-no-hit", "Cache-Status", "Edge; hit=?0; fwd=miss"),
    ("warning-other", "Warning", '199 - "110 of them"'),
)
_BEHIND = (
    ("half-a-minute", "half a minute", timedelta(seconds=30)),
    ("an-hour", "an hour", timedelta(hours=1)),
)


def _with(name: str, value: str) -> InAnswer:
    return InAnswer(lambda good: replace(good, headers=(*good.headers, (name, value))))


def dated(change: Callable[[str], tuple[str, ...]]) -> InAnswer:
    """Replace the Date header by any number of others."""

    def redate(good: Answer) -> Answer:
        date = dict(good.headers)["Date"]
        others = tuple(header for header in good.headers if header[0] != "Date")
        return replace(good, headers=(*others, *(("Date", other) for other in change(date))))

    return InAnswer(redate)


def _dated_back(by: timedelta) -> InAnswer:
    return dated(lambda date: (format_datetime(parsedate_to_datetime(date) - by, usegmt=True),))


CACHE_FAULTS = (
    Fault("cached-date-missing", "no Date any more", "connection", dated(lambda _: ())),
    Fault("cached-date-junk", "a Date that is none", "connection", dated(lambda _: ("today",))),
    Fault("cached-date-twice", "its Date twice", "connection", dated(lambda date: (date, date))),
    *(
        Fault(f"cached-{name}", f"a copy: {header}: {value}", "connection", _with(header, value))
        for name, header, value in _COPIES
    ),
    *(
        Fault(
            f"cached-date-{name}",
            f"a copy without a mark: its Date is {description} old",
            "connection",
            _dated_back(by),
        )
        for name, description, by in _BEHIND
    ),
    *(
        Fault(
            f"fresh-{name}",
            f"fresh, through a cache: {header}: {value}",
            "connection",
            _with(header, value),
            accepted=True,
        )
        for name, header, value in _FRESH
    ),
)
