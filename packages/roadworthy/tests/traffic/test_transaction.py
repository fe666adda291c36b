"""Transactions against a real little service: what is created is read back, and what is not kept is noticed."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from roadworthy.domain.evidence import Answer, Exchange
from roadworthy.domain.target import RequestSpec, StepSpec, TransactionSpec
from roadworthy.traffic.client import Client
from roadworthy.traffic.transaction import Object, Transactor, captured_from, pointed

CREATE = StepSpec("create", RequestSpec("POST", "/notes", json={"title": "{token}"}), capture={"id": "/id"})
READ = StepSpec("read", RequestSpec("GET", "/notes/{id}"), contains="{token}")
UPDATE = StepSpec("update", RequestSpec("PUT", "/notes/{id}", json={"title": "{token}", "of": "{id}"}))
DELETE = StepSpec("delete", RequestSpec("DELETE", "/notes/{id}"), status=(204,))
WHOLE = TransactionSpec((CREATE, READ, UPDATE, DELETE))


@dataclass
class Notes:
    """A service that keeps notes in memory. ``breaks`` says what it gets wrong."""

    breaks: str = ""
    notes: dict[int, Any] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        length = re.search(r"content-length: (\d+)", head.lower())
        body = await reader.readexactly(int(length[1])) if length else b""
        method, path, _ = head.split(" ", 2)
        status, answer = self.answered(method, path, body)
        content = json.dumps(answer).encode() if status != 204 else b""
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
        writer.close()

    def answered(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if method == self.breaks:
            return 500, {"error": "broken"}
        if method == "POST":
            number = len(self.notes) + 41
            self.notes[number] = "forgotten" if self.breaks == "memory" else body.decode()
            return 201, {"number": number} if self.breaks == "identity" else {"id": number}
        number = int(path.rpartition("/")[2])
        if number not in self.notes:
            return 404, {}
        if method == "DELETE":
            del self.notes[number]
            return 204, None
        if method == "PUT":
            self.notes[number] = body.decode()
        return 200, {"id": number, "note": self.notes[number]}


@asynccontextmanager
async def transactor(notes: Notes, spec: TransactionSpec = WHOLE) -> AsyncIterator[Transactor]:
    server = await asyncio.start_server(notes.serve, "127.0.0.1", 0)
    kept: list[Exchange] = []
    try:
        async with Client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", kept.append, 0, {}) as client:
            yield Transactor(client, spec)
    finally:
        server.close()


async def test_every_step_is_carried_out_in_turn() -> None:
    notes = Notes()
    async with transactor(notes) as t:
        samples = await t.run()
    assert [(each.what, each.ok, each.status) for each in samples] == [
        ("create", True, 201),
        ("read", True, 200),
        ("update", True, 200),
        ("delete", True, 204),
    ]
    assert [head.split(" ", 2)[:2] for head in notes.heads] == [
        ["POST", "/notes"], ["GET", "/notes/41"], ["PUT", "/notes/41"], ["DELETE", "/notes/41"],
    ]  # fmt: skip
    assert notes.notes == {}


async def test_an_update_writes_a_new_token_and_keeps_numbers_numbers() -> None:
    notes = Notes()
    spec = TransactionSpec((CREATE, UPDATE))
    async with transactor(notes, spec) as t:
        created, made = await t.create()
        assert created.ok
        assert made.values["id"] == 41
        await t.run()
    updated = json.loads(notes.notes[42])
    assert updated["of"] == 42
    assert re.fullmatch(r"rw[0-9a-f]{10}", updated["title"])
    assert updated["title"] != made.values["token"]


async def test_steps_that_a_transaction_lacks_are_left_out() -> None:
    async with transactor(Notes(), TransactionSpec((CREATE, READ))) as t:
        assert [each.what for each in await t.run()] == ["create", "read"]


@pytest.mark.parametrize(
    ("breaks", "last", "status"), [("POST", "create", 500), ("GET", "read", 500), ("PUT", "update", 500)]
)
async def test_it_stops_at_the_first_step_that_fails(breaks: str, last: str, status: int) -> None:
    async with transactor(Notes(breaks)) as t:
        *worked, failed = await t.run()
    assert all(each.ok for each in worked)
    assert (failed.what, failed.ok, failed.status) == (last, False, status)


async def test_a_read_that_does_not_return_what_was_written_is_not_ok_although_its_status_is() -> None:
    async with transactor(Notes("memory")) as t:
        created, made = await t.create()
        taken = await t.read(made)
    assert created.ok
    assert (taken.ok, taken.status) == (False, 200)
    assert taken.note == f"the answer does not contain {made.values['token']!r}, which was written"


async def test_a_create_whose_answer_lacks_the_identity_is_not_ok() -> None:
    async with transactor(Notes("identity")) as t:
        samples = await t.run()
    assert [(each.what, each.ok, each.status) for each in samples] == [("create", False, 201)]
    assert samples[0].note == "the answer has nothing at /id"


async def test_only_the_named_status_is_success() -> None:
    step = StepSpec("create", CREATE.request, status=(200,))
    async with transactor(Notes(), TransactionSpec((step,))) as t:
        created, made = await t.create()
    assert (created.ok, created.status) == (False, 201)
    assert set(made.values) == {"token"}


async def test_an_answer_that_breaks_off_is_not_ok() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with Client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", lambda _: None, 0, {}) as client:
        t = Transactor(client, WHOLE)
        created, _ = await t.create()
        taken = await t.read(Object({"token": "t", "id": 1}))
    server.close()
    assert (created.ok, created.answer, created.status) == (False, Answer.RESET, 201)
    assert (taken.ok, taken.answer) == (False, Answer.RESET)


async def test_a_text_body_and_headers_are_filled_in() -> None:
    notes = Notes()
    request = RequestSpec(
        "POST", "/notes?q={token}", headers={"X-Token": "{token}"}, body="title={token}&brace={other}"
    )
    async with transactor(notes, TransactionSpec((StepSpec("create", request),))) as t:
        _, made = await t.create()
    token = made.values["token"]
    assert notes.notes[41] == f"title={token}&brace={{other}}"
    assert f"/notes?q={token} " in notes.heads[0]
    assert f"x-token: {token}" in notes.heads[0].lower()


async def test_a_request_without_a_body_sends_none() -> None:
    notes = Notes()
    async with transactor(notes, TransactionSpec((StepSpec("create", RequestSpec("POST", "/notes")),))) as t:
        assert (await t.create())[0].ok
    assert notes.notes[41] == ""


async def test_a_step_that_is_not_there_cannot_be_asked_for() -> None:
    async with transactor(Notes(), TransactionSpec((UPDATE,))) as t:
        with pytest.raises(LookupError, match="create"):
            await t.create()
        with pytest.raises(LookupError, match="no read step"):
            await t.read(Object())


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("", {"a": [{"b/c": 1, "d~e": 2}], "": 3}), ("/a/0/b~1c", 1), ("/a/0/d~0e", 2), ("/", 3)],
)
def test_a_json_pointer_is_followed(pointer: str, value: object) -> None:
    assert pointed({"a": [{"b/c": 1, "d~e": 2}], "": 3}, pointer) == value


@pytest.mark.parametrize("pointer", ["/b", "/a/1", "/a/x", "/a/0/b/c", "/a/0/b/0"])
def test_a_json_pointer_to_nothing_is_a_lookup_error(pointer: str) -> None:
    with pytest.raises(LookupError):
        pointed({"a": [{"b": 1}]}, pointer)


@pytest.mark.parametrize("body", [b"no json", b"", b"[]", b'"text"', b"[" * 60_000])
async def test_an_answer_that_cannot_be_captured_from_is_not_ok(body: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with Client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", lambda _: None, 0, {}) as client:
        created, _ = await Transactor(client, WHOLE).create()
    server.close()
    assert (created.ok, created.status, created.note) == (False, 201, "the answer has nothing at /id")


@pytest.mark.parametrize(
    ("answer", "pointer"),
    [
        ('{"note_id": 7}', "/note_id"),
        ('{"uuid": "u"}', "/uuid"),
        ('{"data": {"id": 7, "text": "t"}}', "/data/id"),
        ('{"id": null, "a/b": {"note_id": 7}}', "/a~1b/note_id"),
        ('{"id": true, "deep": {"er": {"id": 7}}}', None),
        ('{"text": "t"}', None),
        ('[{"id": 7}]', None),
        ("no json", None),
    ],
)
def test_the_identity_is_looked_for_where_the_answer_has_it(answer: str, pointer: str | None) -> None:
    read = StepSpec("read", RequestSpec("GET", "/notes/{note_id}"))
    guessed = TransactionSpec(
        (StepSpec("create", RequestSpec("POST", "/notes"), capture={"note_id": "/id"}), read), source="openapi"
    )
    found = captured_from(guessed, answer)
    assert (found and found.steps[0].capture) == (pointer and {"note_id": pointer})
    assert found is None or found.steps[1] == read
