"""Writes what the exporter is made of, as CycloneDX 1.6 in JSON: `make sbom`.

Made from the locked requirements, so it says what is installed wherever hashes are checked, and is
the same for the same commit: no time, no random number.
"""

import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

from exporter import __version__

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements" / "auth.txt"

_NAME = "bitopro-margin-exporter"
_PIN = re.compile(r"([A-Za-z0-9._-]+)==([^ ;\\]+)(?: *; *(.*?))?(?: \\)?")
_HASH = re.compile(r" +--hash=sha256:([0-9a-f]{64})(?: \\)?")

Component = dict[str, Any]


def components(lock: str) -> list[Component]:
    """Return one component per pinned package. Raises ValueError for a line of any other kind."""
    found: list[Component] = []
    for line in lock.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if pin := _PIN.fullmatch(line):
            found.append(_component(pin[1], pin[2], pin[3]))
        elif (digest := _HASH.fullmatch(line)) and found:
            # One for each file that the index has of this version.
            found[-1]["externalReferences"][0]["hashes"].append(
                {"alg": "SHA-256", "content": digest[1]}
            )
        else:
            raise ValueError(f"neither a pin nor a hash: {line}")
    return found


def document(lock: str) -> dict[str, Any]:
    """Return the whole bill of materials."""
    parts = components(lock)
    exporter = {
        "type": "application",
        "bom-ref": f"pkg:pypi/{_NAME}@{__version__}",
        "name": _NAME,
        "version": __version__,
        "purl": f"pkg:pypi/{_NAME}@{__version__}",
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(parts))}",
        "version": 1,
        "metadata": {"component": exporter},
        "components": parts,
        "dependencies": [
            {"ref": exporter["bom-ref"], "dependsOn": [each["bom-ref"] for each in parts]},
        ],
    }


def _component(name: str, version: str, marker: str | None) -> Component:
    purl = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}"
    component: Component = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "externalReferences": [{"type": "distribution", "url": purl, "hashes": []}],
    }
    if marker:
        # Installed only where this holds.
        component["scope"] = "optional"
        component["properties"] = [{"name": "python:marker", "value": marker}]
    return component


def main() -> None:
    """Write it to standard output."""
    json.dump(document(LOCK.read_text()), sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
