"""The operator's dashboard."""

from grafana.dashboard import ACCOUNT_UID, HEALTH_UID, Dashboard
from grafana.does_it_work import ACCOUNTS, FIRST_LINE, SECOND_LINE
from grafana.panels import Row
from grafana.polls import (
    BUDGET,
    DURATION,
    ENDPOINT_FAILURES,
    ENDPOINTS,
    FAILURES,
    POLLS,
    SKEW,
    STALENESS,
)
from grafana.process import (
    BUILD,
    CPU,
    DESCRIPTORS,
    MEMORY,
    RELOADS,
    SCRAPE_COST,
    SCRAPE_SIZE,
    STARTS,
)

DASHBOARD = Dashboard(
    uid=HEALTH_UID,
    title="BitoPro margin exporter",
    description="Does the exporter see every account, how well, and what does it cost?",
    other=("Margin accounts", ACCOUNT_UID),
    rows=(
        Row("Does it work?", ((4, FIRST_LINE), (4, SECOND_LINE), (6, (ACCOUNTS,)))),
        Row(
            "Polls of the exchange",
            ((8, (POLLS, FAILURES)), (8, (STALENESS, DURATION)), (8, (SKEW, BUDGET))),
        ),
        Row("Optional endpoints", ((8, (ENDPOINTS, ENDPOINT_FAILURES)),)),
        Row(
            "Scrapes and the process",
            (
                (8, (SCRAPE_COST, SCRAPE_SIZE)),
                (8, (MEMORY, CPU, DESCRIPTORS)),
                (6, (STARTS, RELOADS)),
                (5, (BUILD,)),
            ),
        ),
    ),
)
