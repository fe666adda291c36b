"""The tables of Spyne's own state."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, DateTime, ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


def new_id() -> str:
    """Make an id that cannot be guessed: 32 hexadecimal digits."""
    return uuid4().hex


def now() -> datetime:
    """The time, in UTC, without a time zone: as it is stored."""
    return datetime.now(UTC).replace(tzinfo=None)


class Base(DeclarativeBase):
    """All of them."""


class RegisteredDatabase(Base):
    """A database that was registered over the API. Its location is encrypted; it is never shown."""

    __tablename__ = "registered_databases"
    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    dialect: Mapped[str] = mapped_column(String(16))
    encrypted_location: Mapped[str] = mapped_column(Text)
    shown_location: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(DateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(DateTime, default=now)


class ClarificationSession(Base):
    """A question that was asked back about, and the answers so far."""

    __tablename__ = "clarification_sessions"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    query: Mapped[str] = mapped_column(Text)
    database: Mapped[str] = mapped_column(String(63))
    status: Mapped[str] = mapped_column(String(16), default="open")
    questions: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    readings: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    answers: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=now, index=True)
    updated_at: Mapped[datetime] = mapped_column(DateTime, default=now)


class HistoryEntry(Base):
    """One request, and how it ended. Rows are not kept. `answers` are what was picked among several readings."""

    __tablename__ = "history"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    asked_at: Mapped[datetime] = mapped_column(DateTime, default=now, index=True)
    database: Mapped[str] = mapped_column(String(63))
    query: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(24))
    sql: Mapped[str | None] = mapped_column(Text, default=None)
    words: Mapped[str | None] = mapped_column(Text, default=None)
    plan: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    origin: Mapped[str | None] = mapped_column(String(16), default=None)
    confidence: Mapped[str | None] = mapped_column(String(8), default=None)
    row_count: Mapped[int | None] = mapped_column(default=None)
    elapsed_ms: Mapped[float] = mapped_column(default=0.0)
    answers: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    session_id: Mapped[str | None] = mapped_column(String(32), default=None)
    correlation_id: Mapped[str] = mapped_column(String(128), default="")


class SavedQuery(Base):
    """A question with the SQL that answers it; verified ones answer whoever asks the same.

    `answers` are those to questions back that it holds for, and `key` what it is found by: see `spyne.state.questions`.
    """

    __tablename__ = "saved_queries"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    database: Mapped[str] = mapped_column(String(63))
    query: Mapped[str] = mapped_column(Text)
    sql: Mapped[str] = mapped_column(Text)
    plan: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    verified: Mapped[bool] = mapped_column(default=False)
    answers: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    key: Mapped[str] = mapped_column(String(64), default="", index=True)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(DateTime, default=now)
    __table_args__ = (Index("ix_saved_queries_database_verified", "database", "verified"),)


class Feedback(Base):
    """What somebody thought of an answer: a thumb, corrected SQL, words."""

    __tablename__ = "feedback"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    history_id: Mapped[str] = mapped_column(ForeignKey("history.id", ondelete="CASCADE"), index=True)
    helpful: Mapped[bool] = mapped_column()
    corrected_sql: Mapped[str | None] = mapped_column(Text, default=None)
    comment: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(DateTime, default=now)


class Cancellation(Base):
    """Requests that are to be cancelled, by whichever process runs them. `request_id` is a digest of id and key."""

    __tablename__ = "cancellations"
    request_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=now, index=True)


class SchemaMark(Base):
    """The mark of a database, which is another one whenever somebody wants its schema to be read again."""

    __tablename__ = "schema_marks"
    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    mark: Mapped[str] = mapped_column(String(32))
