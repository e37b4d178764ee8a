"""`make drill-demo`: the drill against a Prometheus and an Alertmanager that are started for it.

Rules and routes are the shipped ones with shorter times, so that it takes two minutes for twenty.
"""

import sys
import tempfile
import time
from pathlib import Path
from subprocess import run

from exporter.cli.terminal import echo, echo_error
from tests.e2e.alerting import alerting, missing_tool
from tests.e2e.receiver import Receiver, receiving

FACTOR = 20.0

_ROOT = Path(__file__).parents[2]


def main() -> int:
    """Run it, show what was sent, and return the drill's exit code."""
    if package := missing_tool():
        echo_error(f"error: install Debian's package {package}\n")
        return 1
    with tempfile.TemporaryDirectory() as folder, receiving() as receiver:
        echo("Starting a Prometheus and an Alertmanager of our own on 127.0.0.1.\n")
        with alerting(Path(folder), FACTOR, receiver.url) as servers:
            echo(
                f"The shipped rules and routes, {FACTOR:g} times as fast: "
                f"{servers.prometheus_url}/alerts and {servers.alertmanager_url}\n\n"
            )
            started = time.monotonic()
            command = [
                *(sys.executable, "-m", "exporter", "drill"),
                f"--prometheus.url={servers.prometheus_url}",
                f"--alertmanager.url={servers.alertmanager_url}",
                f"--targets-folder={servers.targets_folder}",
                "--web.listen-address=127.0.0.1:0",
                "--patience=3m",
            ]
            try:
                code = run(command, cwd=_ROOT, check=False).returncode
            except KeyboardInterrupt:
                # The drill heard it too, and has cleaned up.
                return 1
        echo(_sent(receiver, started))
    return code


def _sent(receiver: Receiver, started: float) -> str:
    lines = [
        f"  {each.at - started:4.0f} s  {each.channel:10}"
        f"{'over' if each.is_over else 'firing':8}{each.alert}\n"
        for each in receiver.told
        if each.labels.get("account")
    ]
    return f"\nWhat Alertmanager sent of it:\n{''.join(lines)}"


if __name__ == "__main__":
    sys.exit(main())
