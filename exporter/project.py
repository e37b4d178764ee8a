"""Where the project is, for links."""

from typing import Final

_REPOSITORY = "https://github.com/bitopro-margin-exporter/bitopro-margin-exporter"

DOCUMENTATION_URL: Final = f"{_REPOSITORY}#readme"
DASHBOARDS_URL: Final = f"{_REPOSITORY}/tree/main/grafana/dashboards"
