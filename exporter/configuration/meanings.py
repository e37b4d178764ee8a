"""What each setting means, in one sentence: for the manual and the reference."""

from collections.abc import Mapping
from types import MappingProxyType

# By the name of the variable, in lower case and without its prefix; keys of the file alike.
MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "account": "your own name for the account, the value of the label account",
        "api_key": "the API key; it needs permission to read, and no other",
        "api_secret": "the secret of that key",
        "email": "the e-mail address of the account at the exchange",
        "base_url": "where the API is; http is possible on this machine only",
        "threshold_warning": "account-to-debt ratio below which to warn; BitoPro publishes none",
        "threshold_critical": "account-to-debt ratio below which it is critical",
        "threshold_liquidation": "account-to-debt ratio below which the exchange is taken to sell",
        "poll_interval": "time between polls of an account, from 1s to 10m",
        "stale_after": "age at which an account's values disappear, 1h at most; "
        "without it, three intervals",
        "requests_per_minute": "requests of all accounts together, 600 at most, which is what the "
        "exchange allows per address",
        "hide_account_id": "whether to leave the exchange's id of the account off the page",
    }
)

# Read by OpenSSL, and by us for what OpenSSL would not say.
AUTHORITIES_VARIABLE = "SSL_CERT_FILE"
AUTHORITIES_MEANING = "PEM file of the certificate authorities to trust, instead of certifi's list"
NO_COLOUR_VARIABLE = "NO_COLOR"
NO_COLOUR_MEANING = "if set to anything, nothing is printed in colour"


def meaning_of(name: str) -> str:
    """Give the meaning of a variable or key; `_file` names a file that holds the value."""
    if name.endswith("_file"):
        return f"file that holds it: {MEANINGS[name.removesuffix('_file')]}"
    return MEANINGS[name]
