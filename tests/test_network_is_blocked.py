from __future__ import annotations

import socket
import threading

import httpx
import pytest
from pytest_socket import SocketConnectBlockedError


@pytest.mark.parametrize("address", ["192.0.2.1", "example.com"])
def test_outside_is_refused(address: str) -> None:
    with pytest.raises((SocketConnectBlockedError, httpx.ConnectError)), pytest.warns():
        httpx.get(f"http://{address}/", timeout=1, trust_env=False)


def test_connect_ex_is_refused() -> None:
    with socket.socket() as plain, pytest.raises(SocketConnectBlockedError), pytest.warns():
        plain.connect_ex(("192.0.2.1", 80))


def test_loopback_works() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].close())
        thread.start()
        socket.create_connection(server.getsockname(), timeout=2).close()
        thread.join(2)
