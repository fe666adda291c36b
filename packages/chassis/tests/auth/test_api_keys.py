"""API keys: shown once, limited to their scopes and to what their account may do, and revoked at once."""

from typing import Any

import pytest
from chassis.errors import ProblemError
from sqlalchemy import text

pytestmark = pytest.mark.needs("auth", "sql")

PASSWORD = "correct horse battery"


async def status(answer: Any) -> int:
    with pytest.raises(ProblemError) as refused:
        await answer
    return int(refused.value.status)


async def test_a_key_may_do_what_it_was_made_for_and_never_more_than_its_account(open_auth: Any) -> None:
    async with open_auth() as auth:
        user = await auth.users.register("ada", PASSWORD, roles=["editor"])
        made = await auth.api_keys.create(user.id, "nightly", ["notes:write", "admin"])
        assert made.key.startswith(f"ck_{made.id}_")
        for principal in (
            await auth.authenticate(None, made.key), await auth.authenticate(f"Bearer {made.key}"),
        ):  # fmt: skip
            assert (principal.user_id, principal.kind, principal.credential_id) == (user.id, "api_key", made.id)
            assert principal.scopes == {"notes:write"}
        await auth.users.set_roles(user.id, ["reader"], by="admin")
        assert (await auth.authenticate(None, made.key)).scopes == set()


async def test_what_is_not_exactly_a_key_is_refused(open_auth: Any) -> None:
    async with open_auth() as auth:
        user = await auth.users.register("ada", PASSWORD)
        key = (await auth.api_keys.create(user.id, "a", [])).key
        other = (await auth.api_keys.create(user.id, "b", [])).key
        mixed = "_".join([*key.split("_", 2)[:2], other.split("_", 2)[2]])
        for wrong in (
            key[:-1],
            key + "x",
            key[3:],
            "xx" + key[2:],
            "ck_",
            "ck__",
            "ck_\x00_x",
            mixed,
            "ck_" + "x" * 1000,
        ):
            assert await status(auth.authenticate(None, wrong)) == 401


async def test_a_key_ends_when_its_time_is_up_or_it_is_revoked(open_auth: Any, clock: Any) -> None:
    async with open_auth() as auth:
        user = await auth.users.register("ada", PASSWORD)
        brief = await auth.api_keys.create(user.id, "brief", [], lifetime_s=60)
        lasting = await auth.api_keys.create(user.id, "lasting", [])
        clock.advance(59)
        await auth.authenticate(None, brief.key)
        clock.advance(1)
        assert await status(auth.authenticate(None, brief.key)) == 401
        assert await status(auth.api_keys.revoke("somebody else", lasting.id)) == 404
        assert await status(auth.api_keys.revoke(user.id, "\x00")) == 404
        assert await auth.users.find("\x00") is None
        await auth.authenticate(None, lasting.key)
        await auth.api_keys.revoke(user.id, lasting.id)
        assert await status(auth.authenticate(None, lasting.key)) == 401
        assert await status(auth.api_keys.revoke(user.id, lasting.id)) == 404
        entries = await auth.audit.entries(subject=user.id)
        assert [entry.action for entry in entries[:3]] == ["api_key.revoked", "api_key.created", "api_key.created"]
        assert entries[0].detail == {"key": lasting.id}


async def test_the_last_use_is_known_to_the_minute(open_auth: Any, clock: Any) -> None:
    async with open_auth() as auth:
        user = await auth.users.register("ada", PASSWORD)
        made = await auth.api_keys.create(user.id, "a", ["notes:read"], lifetime_s=3600)
        (listed,) = await auth.api_keys.all(user.id)
        assert (listed.name, listed.scopes, listed.last_used_at) == ("a", ("notes:read",), None)
        assert listed.expires_at == clock.time() + 3600
        started = clock.time()
        for pause, known in ((0, started), (59, started), (1, started + 60)):
            clock.advance(pause)
            await auth.authenticate(None, made.key)
            assert (await auth.api_keys.all(user.id))[0].last_used_at == known


async def test_a_key_works_while_its_use_cannot_be_noted(open_auth: Any) -> None:
    """As on a database that can only be read."""
    async with open_auth() as auth:
        user = await auth.users.register("ada", PASSWORD)
        made = await auth.api_keys.create(user.id, "a", [])
        async with auth._storage.begin() as connection:
            on_sqlite = connection.dialect.name == "sqlite"
            refuse = "BEGIN SELECT RAISE(ABORT, 'no'); END" if on_sqlite else "EXECUTE FUNCTION auth_audit_refuse()"
            each = "" if on_sqlite else "FOR EACH ROW"
            await connection.execute(text(f"CREATE TRIGGER no BEFORE UPDATE ON auth_api_keys {each} {refuse}"))
        assert (await auth.authenticate(None, made.key)).user_id == user.id


async def test_names_and_scopes_that_will_not_do_are_refused(open_auth: Any) -> None:
    async with open_auth() as auth:
        user = await auth.users.register("ada", PASSWORD)
        for name, scopes in (
            ("", []),
            ("x" * 101, []),
            ("a\x00", []),
            ("a", ["two words"]),
            ("a", ['quo"te']),
            ("a", [""]),
        ):
            assert await status(auth.api_keys.create(user.id, name, scopes)) == 422
        assert await auth.api_keys.all(user.id) == []
