"""Customers at once: `python -m eval.load BASE TOKEN CUSTOMERS SECONDS` prints what was done as JSON. Loopback only."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

from eval.bench import questions


async def customer(host: str, port: int, token: str, texts: list[str], until: float, counts: dict[str, int]) -> None:
    """One customer who asks, reads and asks again over one connection, by plain HTTP/1.1: the client must cost little."""
    reader, writer = await asyncio.open_connection(host, port)

    async def post(path: str, body: bytes) -> tuple[int, bytes]:
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        length = next(int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length"))
        return int(lines[0].split()[1]), await reader.readexactly(length)

    try:
        _, body = await post("/v1/conversations", b"")
        conversation = json.loads(body)["conversation_id"]
        for text in texts:
            if time.monotonic() > until:
                break
            status, body = await post(f"/v1/conversations/{conversation}/messages", json.dumps({"text": text}).encode())
            fine = status == 200 and json.loads(body)["reason"] not in ("internal", "account_away")
            counts["done" if fine else "failed"] += 1
    finally:
        writer.close()


async def main(base: str, token: str, customers: int, seconds: float) -> None:
    address = urlsplit(base)
    assert address.hostname in ("127.0.0.1", "localhost"), "a load test goes to this machine only"
    texts, counts = questions(400), {"done": 0, "failed": 0}
    began = time.monotonic()
    await asyncio.gather(
        *(
            customer(
                address.hostname, address.port or 80, token, (texts[n * 11 :] + texts) * 3, began + seconds, counts
            )
            for n in range(customers)
        )
    )
    print(json.dumps({**counts, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
