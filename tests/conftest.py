"""No test reaches outside this machine: connections and name look-ups are refused, loopback and unix sockets aside."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from pytest_socket import SocketConnectBlockedError, socket_allow_hosts

from tests.chromium import browser

__all__ = ["browser"]
LOOPBACK = ["127.0.0.1", "::1", "0.0.0.0", "localhost"]
_getaddrinfo = socket.getaddrinfo
_connect_ex = socket.socket.connect_ex


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    socket_allow_hosts(list(LOOPBACK), allow_unix_socket=True)
    socket.getaddrinfo = _only_here
    socket.socket.connect_ex = _connect_only_here  # type: ignore[method-assign]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    socket.getaddrinfo = _getaddrinfo
    socket.socket.connect_ex = _connect_ex  # type: ignore[method-assign]


def _only_here(host: Any, *args: Any, **named: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if name and name not in LOOPBACK:
        raise SocketConnectBlockedError(LOOPBACK, name)
    return _getaddrinfo(host, *args, **named)


def _connect_only_here(self: socket.socket, address: Any) -> int:
    if isinstance(address, tuple) and address[0] not in LOOPBACK:
        raise SocketConnectBlockedError(LOOPBACK, str(address[0]))
    return _connect_ex(self, address)
