"""Unique numbers for orders, prescriptions and transfers, in the formats that customers see."""

from __future__ import annotations

from random import Random


class Numbers:
    """Random and never twice: `order()` FH-1234567, `prescription()` RX-12345678, `transfer()` TR-123456."""

    def __init__(self, rng: Random, taken: set[str] | None = None) -> None:
        self._rng = rng
        self._taken = set(taken or ())

    def order(self) -> str:
        return self._new("FH", 7)

    def prescription(self) -> str:
        return self._new("RX", 8)

    def transfer(self) -> str:
        return self._new("TR", 6)

    def take(self, number: str) -> str:
        """Keep a number that was chosen by hand."""
        self._taken.add(number)
        return number

    def _new(self, prefix: str, digits: int) -> str:
        while True:
            number = f"{prefix}-{self._rng.randrange(10 ** (digits - 1), 10**digits)}"
            if number not in self._taken:
                self._taken.add(number)
                return number
