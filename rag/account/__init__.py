"""What the business knows of its customers. `open_book(settings)` gives the account book that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pydantic import SecretStr

if TYPE_CHECKING:
    from rag.account.book import AccountBook


class BookSettings(Protocol):
    """The part of the application's settings that this package reads."""

    @property
    def accounts(self) -> str: ...
    @property
    def accounts_key(self) -> SecretStr | None: ...


def open_book(settings: BookSettings) -> AccountBook:
    """An http(s) address is the business's own service, anything else a SQLAlchemy URL. Raises `AccountError`."""
    url = settings.accounts
    if url.startswith(("http://", "https://")):
        from rag.account.rest import RestAccountBook

        return RestAccountBook(url, settings.accounts_key.get_secret_value() if settings.accounts_key else None)
    from rag.account.sql import SqlAccountBook

    return SqlAccountBook(url)
