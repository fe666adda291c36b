"""A small service for the tests of the command line; each test has a copy of this folder of its own."""

from datetime import datetime
from pathlib import Path
from typing import Any

import chassis
from pydantic import Field, SecretStr
from sqlalchemy import DateTime, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Settings(chassis.ServiceSettings):
    """What can be set."""

    model_config = chassis.settings_config(prefix="LEDGER_")
    database_url: SecretStr = Field(description="Where entries are kept", examples=["sqlite:///ledger.db"])
    cache_url: SecretStr | None = Field(None, description="Where totals are cached")
    signing_key: chassis.Secret = Field(description="Signs receipts")
    hook_url: str = Field("", description="Told of each entry")
    mail_password: str = Field("", description="For sending receipts")
    keep_days: float = Field(30.0, ge=0, description="For how long entries are kept")


service = chassis.Service("ledger", Settings, version="1.2.3")
database = service.sql("database", lambda s: s.database_url)
cache = service.valkey("cache", lambda s: s.cache_url, lost="totals are added up each time")


class Base(DeclarativeBase):
    """The tables."""


class Entry(Base):
    """One entry."""

    __tablename__ = "entries"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    made: Mapped[datetime] = mapped_column(DateTime, index=True)


service.data.migrations(database, Path(__file__).parent / "revisions", Base.metadata)
service.data.retention(database, Entry.made, days=lambda s: s.keep_days)


async def app(scope: Any, _receive: Any, send: Any) -> None:
    """Answer every request with a word."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"entered"})


application = service.asgi(app)

if __name__ == "__main__":
    from chassis.command_line import main

    main("ledger:application")
