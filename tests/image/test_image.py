"""The image runs without root, capabilities, a writable root, a shell or privileges to gain."""

import json
import re

from tests.image.engine import IMAGE, PATIENCE_SECONDS, Container, podman
from tests.process.running import until


def test_demo_serves_three_accounts(demo: Container) -> None:
    def page_with_three_ratios() -> str:
        page = demo.page()
        return page if len(re.findall(r"(?m)^bitopro_margin_ad_ratio\{", page)) == 3 else ""

    page = until(page_with_three_ratios, "three accounts with a ratio", PATIENCE_SECONDS)

    assert re.findall(r'(?m)^bitopro_margin_up\{account="(.*)"\} (.*)$', page) == [
        ("demo-1", "1.0"),
        ("demo-2", "1.0"),
        ("demo-3", "1.0"),
    ]


def test_first_process_is_the_exporter_with_no_rights_at_all(demo: Container) -> None:
    status = demo.python("print(open('/proc/1/status').read())")

    assert re.findall(r"(?m)^(?:Uid|Gid):\t(\d+)", status) == ["65532", "65532"]
    assert set(re.findall(r"(?m)^Cap(?:Prm|Eff|Bnd|Amb):\t(\w+)", status)) == {"0" * 16}
    assert "\nNoNewPrivs:\t1\n" in status
    assert "bitopro-margin-exporter" in demo.python("print(open('/proc/1/cmdline').read())")


def test_nothing_can_be_written_and_no_shell_can_be_run(demo: Container) -> None:
    tried = demo.python(
        "import os, subprocess\n"
        "for path in ('/x', '/tmp/x', '/opt/exporter/x', '/var/tmp/x'):\n"
        "    try: open(path, 'w'); print(path, 'is writable')\n"
        "    except OSError as error: print(os.strerror(error.errno))\n"
        "try: subprocess.run('true', shell=True); print('a shell ran')\n"
        "except OSError as error: print(os.strerror(error.errno))"
    )

    assert set(tried.splitlines()[:4]) <= {"Read-only file system", "Permission denied"}
    assert tried.splitlines()[4] in {"Exec format error", "Permission denied"}


def test_byte_code_is_there_for_every_module(demo: Container) -> None:
    missing = demo.python(
        "import importlib.util, pathlib, exporter, pydantic\n"
        "print([str(each) for module in (exporter, pydantic)\n"
        "    for each in pathlib.Path(module.__file__).parent.rglob('*.py')\n"
        "    if not pathlib.Path(importlib.util.cache_from_source(each)).exists()])"
    )

    assert missing == "[]"


def test_neither_pip_nor_what_builds_is_inside_of_the_environment(demo: Container) -> None:
    names = demo.python(
        "import importlib.metadata as m; print(*sorted(d.name for d in m.distributions()))"
    )

    assert "bitopro-margin-exporter" in names.split()
    assert {"pip", "setuptools", "hatchling"}.isdisjoint(names.split())


def test_sigterm_ends_it_well_and_soon(image: str, figures: list[str]) -> None:
    assert image == IMAGE
    with Container("demo", "--web.listen-address=:10061") as container:
        container.becomes_healthy()
        stopped = container.stop()

    figures.append(f"stopped by SIGTERM after {stopped.seconds:.1f} s with code {stopped.code}")
    assert stopped.code == 0
    assert stopped.seconds < 3


def test_as_it_is_it_asks_for_an_account(image: str) -> None:
    with Container() as container:
        log, code = container.ended()

    assert image == IMAGE
    assert code == 78
    assert "BITOPRO_API_KEY is not set" in log


def test_labels_say_what_it_is(image: str) -> None:
    labels = json.loads(podman("image", "inspect", "--format={{json .Labels}}", image))

    assert labels["org.opencontainers.image.version"] == "1.2.3"
    assert labels["org.opencontainers.image.revision"] == "0123456"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_it_adds_little_to_its_base(image: str, figures: list[str]) -> None:
    assert image == IMAGE
    assert float(figures[0].split()[0]) < 40
