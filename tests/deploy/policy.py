"""What every pod and policy of ours has to keep, wherever the manifest comes from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

Manifest = dict[str, Any]

RUNS_AS = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "runAsGroup": 65532,
    "fsGroup": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONFINED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
_SHARING = {"hostNetwork", "hostPID", "hostIPC", "hostUsers", "initContainers"}
# Kinds of volumes that the restricted standard admits, and that need no storage of the node.
_VOLUMES = {"configMap", "projected", "secret"}


def pod_violations(manifest: Manifest) -> list[str]:
    """Name what a Pod, or a StatefulSet's pods, may do that they need not."""
    pod = manifest["spec"] if manifest["kind"] == "Pod" else manifest["spec"]["template"]["spec"]
    volumes = {kind for each in pod.get("volumes", []) for kind in each if kind != "name"}
    rules = {
        "runs as somebody, or without seccomp": pod.get("securityContext") == RUNS_AS,
        "has a token of the Kubernetes API": pod["automountServiceAccountToken"] is False,
        "gets variables BITOPRO_... of Services": pod["enableServiceLinks"] is False,
        "shares something with the node": not pod.keys() & _SHARING,
        "has a volume beside configuration and secrets": volumes <= _VOLUMES,
    }
    return [
        *(text for text, is_kept in rules.items() if not is_kept),
        *(text for each in pod["containers"] for text in _container_violations(each)),
    ]


def _container_violations(container: Manifest) -> Iterator[str]:
    rules = {
        "is not confined": container.get("securityContext") == CONFINED,
        "may use all memory": "memory" in container.get("resources", {}).get("limits", {}),
        "may write to a volume": all(
            each.get("readOnly") for each in container.get("volumeMounts", [])
        ),
        # Where they are easily seen.
        "has secrets in variables": not container.keys() & {"env", "envFrom"},
    }
    return (text for text, is_kept in rules.items() if not is_kept)


def mounted(folder: Path, config: str, items: list[dict[str, str]]) -> Path:
    """Lay files as the kubelet does for a projected volume, and give the configuration's."""
    (folder / "secrets").mkdir()
    for each in items:
        (folder / each["path"]).write_text("me@example.com")
    path = folder / "config.yml"
    path.write_text(config)
    return path


def opened(policy: Manifest, direction: str, peers: str) -> list[tuple[list[str], set[Any]]]:
    """Return what a NetworkPolicy lets through: per rule the kinds of peers, and the ports."""
    return [
        (
            sorted("+".join(sorted(peer)) for peer in rule.get(peers, [])),
            {port["port"] for port in rule["ports"]},
        )
        for rule in policy["spec"][direction]
    ]
