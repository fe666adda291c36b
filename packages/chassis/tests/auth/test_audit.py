"""The audit log can be added to, and nothing else: the database itself sees to it."""

import time
from pathlib import Path
from typing import Any

import pytest
from chassis.auth import AuthTables
from chassis.data import Migrations
from chassis.errors import ProblemError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

pytestmark = pytest.mark.needs("auth", "sql")

PASSWORD = "correct horse battery"


async def test_entries_cannot_be_changed_or_deleted(open_auth: Any, clock: Any) -> None:
    clock.advance(time.time() - clock.time())  # the database goes by its own clock
    async with open_auth() as auth:
        await auth.users.register("ada", PASSWORD)
        attempts = ["UPDATE auth_audit SET actor = 'somebody'", "DELETE FROM auth_audit"]
        columns = "id, at, action, outcome, actor, subject, address, correlation_id, detail"
        other = f"INTO auth_audit ({columns}) SELECT id, 0, '', '', '', '', '', '', '{{}}' FROM auth_audit"
        if auth._storage.begin.__self__.dialect.name == "postgresql":
            attempts += ["TRUNCATE auth_audit", f"INSERT {other} ON CONFLICT (id) DO UPDATE SET actor = ''"]
        else:
            attempts += [f"REPLACE {other}", f"INSERT OR REPLACE {other}"]
        for attempt in attempts:
            with pytest.raises(DBAPIError, match="append-only"):
                async with auth._storage.begin() as connection:
                    await connection.execute(text(attempt))
        assert len(await auth.audit.entries()) == 1


async def test_it_tells_from_where_a_password_was_changed(open_auth: Any) -> None:
    async with open_auth() as auth:
        user = await auth.users.register("ada", PASSWORD)
        await auth.change_password(user.id, PASSWORD, f"{PASSWORD} 2", address="192.0.2.7")
        (entry, *_) = await auth.audit.entries(subject=user.id)
        assert (entry.action, entry.address) == ("password.changed", "192.0.2.7")


@pytest.mark.parametrize("nobody", ["nobody", "\0", "Ω"])
async def test_who_does_not_exist_gets_no_key_and_is_told_so(nobody: str, open_auth: Any) -> None:
    async with open_auth() as auth:
        for change in (
            auth.api_keys.create(nobody, "script", ["notes:read"]),
            auth.users.set_roles(nobody, ["reader"], by="admin"),
            auth.users.disable(nobody, by="admin"),
            auth.users.enable(nobody, by="admin"),
            auth.users.set_password(nobody, f"{PASSWORD} 2", by="admin"),
        ):
            with pytest.raises(ProblemError) as refusal:
                await change
            assert refusal.value.status == 404
        await auth.sessions.end_by_id(nobody)
        assert await auth.audit.entries() == []


async def test_entries_older_than_90_days_may_be_deleted_but_not_changed(open_auth: Any, clock: Any) -> None:
    clock.advance(time.time() - 91 * 86_400 - clock.time())
    async with open_auth() as auth:
        await auth.users.register("ada", PASSWORD)
        with pytest.raises(DBAPIError, match="append-only"):
            async with auth._storage.begin() as connection:
                await connection.execute(text("UPDATE auth_audit SET actor = 'somebody'"))
        async with auth._storage.begin() as connection:
            await connection.execute(text("DELETE FROM auth_audit"))
        assert await auth.audit.entries() == []


async def test_an_entry_and_what_it_is_about_are_kept_together_or_not_at_all(open_auth: Any) -> None:
    async with open_auth() as auth:
        begin = auth._storage.begin

        async def fail_afterwards() -> None:
            async with begin() as connection:
                await auth.audit.record(connection, "note.shared", actor="u1", subject="n1", detail={"with": "u2"})
                raise RuntimeError("afterwards")

        with pytest.raises(RuntimeError, match="afterwards"):
            await fail_afterwards()
        assert await auth.audit.entries() == []
        async with begin() as connection:
            await auth.audit.record(connection, "note.shared", actor="u1", subject="n1", detail={"with": "u2"})
        (entry,) = await auth.audit.entries(subject="n1")
        assert (entry.action, entry.actor, entry.detail) == ("note.shared", "u1", {"with": "u2"})


async def test_a_migration_written_from_the_models_makes_the_same_tables_and_protection(
    database_url: str, tmp_path: Path, open_auth: Any, clock: Any
) -> None:
    clock.advance(time.time() - clock.time())
    folder = tmp_path / "revisions"
    migrations = Migrations(folder, database_url, AuthTables().metadata)
    written = migrations.revise("authentication")
    lines = written.read_text().replace("# ### end Alembic commands ###", "protect_audit(op.get_bind())", 1)
    written.write_text("from chassis.auth import protect_audit\n" + lines)
    migrations.upgrade()
    assert migrations.drift() == []
    async with open_auth() as auth:
        await auth.users.register("ada", PASSWORD)
        with pytest.raises(DBAPIError, match="append-only"):
            async with auth._storage.begin() as connection:
                await connection.execute(text("DELETE FROM auth_audit"))
