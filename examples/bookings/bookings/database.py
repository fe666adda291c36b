"""The database engine and sessions."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from bookings import settings


class Base(DeclarativeBase):
    pass


# Hosting providers hand out postgres:// URLs, which SQLAlchemy does not know
url = make_url(settings.DATABASE_URL.replace("postgres://", "postgresql://", 1))
if url.drivername == "postgresql":
    url = url.set(drivername="postgresql+psycopg")

engine = create_engine(url)
SessionLocal = sessionmaker(engine)


if url.get_backend_name() == "sqlite":

    @event.listens_for(engine, "connect")
    def enable_foreign_keys(connection, _record):
        connection.execute("PRAGMA foreign_keys=ON")


def get_session() -> Iterator[Session]:
    with SessionLocal() as session:
        yield session


DbSession = Annotated[Session, Depends(get_session)]
