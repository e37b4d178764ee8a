"""The page at `/`: what this is, and how each account's polls are doing. It shows no balance."""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

from exporter import __version__
from exporter.store import AccountState

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: .4rem .8rem .4rem 0; text-align: left; }
.failing { font-weight: bold; }
"""


def status_page(states: Iterable[AccountState], telemetry_path: str) -> str:
    """Give the page as HTML. Whatever came from outside is escaped."""
    rows = "\n".join(_row(state) for state in states)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>bitopro-margin-exporter</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>bitopro-margin-exporter</h1>
<p>Version {escape(__version__)}.
<a href="{escape(telemetry_path)}">Metrics</a> ·
<a href="/-/healthy">healthy</a> ·
<a href="/-/ready">ready</a></p>
<table>
<tr><th>Account</th><th>Polls</th><th>Since (UTC)</th><th>Why</th></tr>
{rows}
</table>
</body>
</html>
"""


def _row(state: AccountState) -> str:
    name, since = escape(state.account.name), _utc(state.since_timestamp_seconds)
    if not state.is_tried:
        return f"<tr><td>{name}</td><td>not yet polled</td><td></td><td></td></tr>"
    if state.reason is None:
        return f"<tr><td>{name}</td><td>succeed</td><td>{since}</td><td></td></tr>"
    why = escape(f"{state.reason}: {state.message}")
    return f'<tr class="failing"><td>{name}</td><td>fail</td><td>{since}</td><td>{why}</td></tr>'


def _utc(timestamp_seconds: float | None) -> str:
    if timestamp_seconds is None:
        return ""
    return datetime.fromtimestamp(timestamp_seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
