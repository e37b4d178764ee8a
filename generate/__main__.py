"""`python -m generate`: write every generated file, and remove those without a source.

The environment may set where alerts lead, see deploy.alerts.record.Links: RUNBOOK_URL,
DASHBOARD_URL and JOB.
"""

import os

from deploy.alerts.record import DEFAULT_JOB, Links
from generate import generated, leftovers


def _links() -> Links:
    given = {
        name: os.environ.get(name, "").rstrip("/") for name in ("RUNBOOK_URL", "DASHBOARD_URL")
    }
    return Links(
        runbook_url=given["RUNBOOK_URL"],
        dashboard_url=given["DASHBOARD_URL"],
        job=os.environ.get("JOB") or DEFAULT_JOB,
    )


if __name__ == "__main__":
    files = generated(_links())
    for path in leftovers(files):
        path.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
