"""What `check` lists; that it tries accounts is tested as a process."""

import pytest

from exporter.cli.check import listed_account, listed_settings
from exporter.config.environment import Variables
from exporter.config.settings import load_settings


def test_every_declared_setting_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("api_key", "api_secret"):
        monkeypatch.setenv(f"BITOPRO_{name.upper()}", name)
    monkeypatch.setenv("BITOPRO_EMAIL", "me@example.com")
    settings = load_settings(None)

    listed = [*listed_settings(settings), *listed_account(settings.accounts[0])]

    declared = {name.removesuffix("_file") for name in Variables.model_fields}
    assert sorted(each.name for each in listed) == sorted({*declared, "authorities"})
