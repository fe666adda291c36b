"""What callers send and get."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

from spyne.sources import NAME

NO_NUL = r"^[^\x00]*$"
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
RequestId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]
Name = Annotated[str, StringConstraints(pattern=NAME)]
Query = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=NO_NUL)]
Sql = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50_000, pattern=NO_NUL)]
Text = Annotated[str, StringConstraints(max_length=4000, pattern=NO_NUL)]
Location = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=NO_NUL)]
Choice = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=NO_NUL)]
Answers = Annotated[dict[Choice, Choice], Field(max_length=20)]
Moment = Annotated[datetime, PlainSerializer(lambda moment: f"{moment.isoformat(timespec='milliseconds')}Z", str)]


class Sent(BaseModel):
    """What a caller sends: no field beside its own."""

    model_config = ConfigDict(extra="forbid")


class Shown(BaseModel):
    """What a caller gets of something that is kept."""

    model_config = ConfigDict(from_attributes=True)


class Run(Sent):
    """A question."""

    query: Query
    database: Name | None = Field(None, description="Which database; the default one otherwise")
    clarification_mode: bool | None = Field(None, description="Whether to ask back; as set for the service otherwise")
    session_id: Id | None = Field(None, description="A clarification session that this goes on with")
    answers: Answers = Field(default={}, description="Option ids by question id")


class Continue(Sent):
    """Answers to a question back."""

    session_id: Id
    answers: Answers


class SqlRun(Sent):
    """SQL that the caller wrote or edited."""

    sql: Sql
    database: Name | None = None
    limit: int | None = Field(None, ge=1, le=10_000, description="Rows at most")


class Export(SqlRun):
    """SQL whose result is wanted as a file."""

    format: Literal["csv", "parquet", "ndjson"] = "csv"


class NewDatabase(Sent):
    """A database to register. The location is kept encrypted, and never shown again."""

    name: Name
    location: Location = Field(description="postgresql://USER:PASSWORD@HOST/DATABASE, or the name of a file")
    description: Text = ""


class ChangedDatabase(Sent):
    """What is to be changed of a registered database."""

    location: Location | None = None
    description: Text | None = None


class ShownDatabase(Shown):
    """A database, without its credentials."""

    name: str
    dialect: str
    origin: Literal["settings", "registered", "demo"]
    default: bool
    description: str = ""
    location: str = Field(description="Where it is, without credentials")


class NewSession(Sent):
    """A question, asked in a clarification session."""

    query: Query
    database: Name | None = None


class ChangedSession(Sent):
    """Answers so far; those of other questions stay."""

    answers: Answers = {}
    status: Literal["open", "abandoned"] | None = None


class ShownSession(Shown):
    """A clarification session."""

    id: str
    query: str
    database: str
    status: str
    questions: list[dict[str, Any]]
    answers: dict[str, str]
    created_at: Moment
    updated_at: Moment


class NewSavedQuery(Sent):
    """A question, and SQL that answers it. Verified: somebody who knows has checked it."""

    query: Query
    sql: Sql
    database: Name | None = None
    verified: bool = False
    answers: Answers = Field(default={}, description="Those to questions back that the SQL holds for")


class ShownSavedQuery(Shown):
    """A saved query."""

    id: str
    database: str
    query: str
    sql: str
    verified: bool
    answers: dict[str, str]
    created_at: Moment
    updated_at: Moment


class ShownHistory(Shown):
    """One request, and how it ended."""

    id: str
    asked_at: Moment
    database: str
    query: str
    status: str
    sql: str | None
    words: str | None
    origin: str | None
    confidence: str | None
    row_count: int | None
    elapsed_ms: float
    answers: dict[str, str]
    session_id: str | None
    correlation_id: str


class NewFeedback(Sent):
    """What somebody thought of an answer. Corrected SQL becomes a saved query."""

    history_id: Id
    helpful: bool
    corrected_sql: Sql | None = None
    comment: Text = ""


Effect = Literal["verified", "proposed", "withdrawn", "noted"]


class ShownFeedback(Shown):
    """Feedback."""

    id: str
    history_id: str
    helpful: bool
    corrected_sql: str | None
    comment: str
    created_at: Moment


class GivenFeedback(ShownFeedback):
    """Feedback, and what came of it: whether an answer is verified now, proposed, or withdrawn."""

    effect: Effect
