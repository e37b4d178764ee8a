"""The generated pages of the documentation: `python -m reference` writes them."""

from collections.abc import Callable, Mapping

from reference.configuration import configuration_page
from reference.metrics import metrics_page

PAGES: Mapping[str, Callable[[], str]] = {
    "metrics.md": metrics_page,
    "configuration.md": configuration_page,
}
