"""Pads: the same promises under Flask. Small texts, kept in SQLite or PostgreSQL, served by threads."""

from typing import Annotated, Any, NoReturn

import chassis
from flask import Flask, request
from pydantic import BaseModel, Field, SecretStr, StringConstraints, ValidationError
from sqlalchemy import Text as TextType
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


class Settings(chassis.ServiceSettings):
    """What can be set, beside what every service has."""

    model_config = chassis.settings_config(prefix="PADS_")
    database_url: Annotated[SecretStr, chassis.AlsoFrom("DATABASE_URL")] = Field(
        description="Where pads are kept", examples=["sqlite+aiosqlite:///pads.db"]
    )


service = chassis.Service("pads", Settings)
database = service.sql("database", lambda s: s.database_url)


class Base(DeclarativeBase):
    """The tables."""


class Pad(Base):
    """One pad."""

    __tablename__ = "pads"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(TextType)


class NewPad(BaseModel):
    """What a client sends."""

    text: Words


@service.step("create tables")
async def create_tables() -> None:
    """Create what is missing; it is tried again until the database is there."""
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


app = Flask(__name__)


@app.errorhandler(ValidationError)
def invalid(error: ValidationError) -> NoReturn:
    """Answer what is not valid as the caller's mistake, without repeating it."""
    wrong = [{"loc": each["loc"], "msg": each["msg"]} for each in error.errors(include_input=False)]
    raise chassis.ProblemError(422, "The pad is not valid.", extensions={"errors": wrong})


@app.post("/pads")
def create() -> tuple[dict[str, Any], int]:
    """Keep a pad."""
    new = NewPad.model_validate(request.get_json())
    with database.sync_session() as session:
        pad = Pad(text=new.text)
        session.add(pad)
    return {"id": pad.id, "text": pad.text}, 201


@app.get("/pads/<int(max=2147483647):pad_id>")
def read(pad_id: int) -> dict[str, Any]:
    """Read a pad."""
    with database.sync_session() as session:
        pad = session.get(Pad, pad_id)
    if pad is None:
        raise chassis.ProblemError(404, f"There is no pad {pad_id}.")
    return {"id": pad.id, "text": pad.text}


application = service.wsgi(app)
