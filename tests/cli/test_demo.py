"""`make demo`, from the user's side: one command, three accounts, something to open."""

import re

import httpx

from tests.process.running import EXPORTER, FREE_PORT, Running, until


def test_demo_shows_three_accounts_and_says_where() -> None:
    with Running([*EXPORTER, "demo", FREE_PORT], {}) as demo:
        url = until(lambda: re.search(r"metrics  (http\S+)\n", demo.stdout), "the URL")[1]

        def page_with_three_accounts() -> str:
            page = httpx.get(url, trust_env=False).text
            return page if len(re.findall(r"\nbitopro_margin_ad_ratio{", page)) == 3 else ""

        page = until(page_with_three_accounts, "three accounts with a ratio")

    accounts = re.findall(r'^bitopro_margin_up{account="(.*)"} (.*)$', page, re.MULTILINE)
    assert accounts == [("demo-1", "1.0"), ("demo-2", "1.0"), ("demo-3", "1.0")]
