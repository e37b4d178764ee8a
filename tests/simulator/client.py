"""A client of a few lines for the simulator's tests: it signs, sends, and reads raw bytes."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from dataclasses import dataclass

from exporter.simulator import Simulator

NOW = 1_700_000_000.0
NOW_MS = 1_700_000_000_000
BALANCES = "/v3/margin/balances"

# Longer than any healthy answer takes; what is stuck is given up then.
_PATIENCE_SECONDS = 0.3
_ENOUGH_BYTES = 1_048_576


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> object:
        return json.loads(self.body)


def still() -> float:
    """Tell a time that does not change."""
    return NOW


def encoded(fields: object) -> str:
    return base64.b64encode(json.dumps(fields).encode()).decode()


def sign(
    payload: str,
    key: str = "demo-key",
    secret: str = "demo-secret",  # public, and of the simulator alone
) -> dict[str, str]:
    return {
        "X-BITOPRO-APIKEY": key,
        "X-BITOPRO-PAYLOAD": payload,
        "X-BITOPRO-SIGNATURE": hmac.new(
            secret.encode(), payload.encode(), hashlib.sha384
        ).hexdigest(),
    }


def signed(nonce_ms: int = NOW_MS, key: str = "demo-key") -> dict[str, str]:
    return sign(encoded({"identity": "demo@example.com", "nonce": nonce_ms}), key)


def request(
    headers: dict[str, str], path: str = BALANCES, method: str = "GET", *, last: bool = False
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: exchange.test"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += ["Connection: close"] if last else []
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


async def ask(
    simulator: Simulator, headers: dict[str, str], path: str = BALANCES, method: str = "GET"
) -> Reply:
    """Ask once, on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    writer.write(request(headers, path, method, last=True))
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    await hang_up(writer)
    status_line, *lines = head.decode().split("\r\n")
    pairs = (line.split(": ", maxsplit=1) for line in lines)
    return Reply(int(status_line.split()[1]), dict(pairs), body)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close at once, whatever the other side did."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def transcript(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[bytes, str]:
    """Ask twice on one connection; give what arrives, and how it ends."""
    received = b""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            writer.write(request(signed(NOW_MS)) + request(signed(NOW_MS + 1), last=True))
            while piece := await reader.read(65_536):
                received += piece
                if len(received) > _ENOUGH_BYTES:
                    return received, "endless"
    except TimeoutError:
        return received, "stuck"
    except ConnectionResetError:
        return received, "reset"
    return received, "closed"
