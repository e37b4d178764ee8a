"""How the status page looks: one style sheet, in the page, and known by its hash."""

import base64
import hashlib
from typing import Final

STYLE: Final = """
:root { color-scheme: light dark;
  --back: #f6f7f9; --card: #fff; --text: #1c2024;
  --quiet: #5b6470; --line: #d9dde3; --link: #0b57d0;
  --ok: #12703a; --failing: #8a5300; --stale: #b3261e; --waiting: #5b6470; }
@media (prefers-color-scheme: dark) { :root {
  --back: #14171a; --card: #1d2125; --text: #e6e9ec;
  --quiet: #a3acb6; --line: #353b42; --link: #8ab4f8;
  --ok: #6dd58c; --failing: #f5bf4f; --stale: #ff8a80; --waiting: #a3acb6; } }
* { box-sizing: border-box; }
body { background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif;
  margin: 0 auto; max-width: 72rem; overflow-wrap: anywhere; padding: 1.25rem 1rem 2rem; }
a { color: var(--link); }
h1 { font-size: 1.35rem; line-height: 1.3; margin: 0; }
header p, footer { color: var(--quiet); margin: .25rem 0 0; }
nav { display: flex; flex-wrap: wrap; gap: 0 1.25rem; margin: .5rem 0 1rem; }
nav a { display: inline-block; padding: .25rem 0; }
main { align-items: start; display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); }
section { background: var(--card); border: 1px solid var(--line);
  border-left: .375rem solid var(--state);
  border-radius: .5rem; padding: .875rem 1rem 1rem; }
section.ok { --state: var(--ok); } section.failing { --state: var(--failing); }
section.stale { --state: var(--stale); }
section.waiting, section.none { --state: var(--waiting); }
h2 { font-size: 1.125rem; line-height: 1.3; margin: 0; }
.state { color: var(--state); font-weight: 600; margin: .125rem 0 .5rem; }
dl { display: grid; gap: .25rem .75rem; grid-template-columns: max-content minmax(0, 1fr);
  margin: 0; }
dt { color: var(--quiet); } dd { margin: 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin-top: .75rem;
  white-space: nowrap; width: 100%; }
th, td { padding: .125rem .75rem .125rem 0; text-align: left; vertical-align: top; }
th { border-top: 1px solid var(--line); font-weight: 400; min-width: 6rem; white-space: normal; }
th ~ td { border-top: 1px solid var(--line); }
td:last-child { padding-right: 0; text-align: right; }
th, td:not(:last-child) { color: var(--quiet); }
td.long { white-space: normal; }
section.none p:last-child, section.refusal p:last-child { margin: 0; }
section.refusal { margin-bottom: 1rem; }
footer { font-size: .875rem; margin-top: 1.25rem; }
"""

# Only what we have written ourselves may style the page, so nothing that slips into it can.
STYLE_SOURCE: Final = (
    f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)
