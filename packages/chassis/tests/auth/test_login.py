"""Logging in: with the right password only, at the same cost for everybody, and without stopping anybody else."""

import asyncio
import time
from typing import Any

import pytest
from chassis.auth import OWASP, RFC_9106, AuthPolicy, HashCost
from chassis.auth.passwords import Passwords
from chassis.errors import ProblemError

pytestmark = pytest.mark.needs("auth", "sql")

PASSWORD = "correct horse battery"
HERE = "192.0.2.7"


async def test_a_login_works_in_any_spelling_and_tells_who_calls(open_auth: Any) -> None:
    async with open_auth() as auth:
        user = await auth.users.register("Ada@Example.org", PASSWORD, roles=["editor"])
        tokens = await auth.login(" ADA@example.ORG ", PASSWORD, address=HERE)
        principal = await auth.authenticate(f"Bearer {tokens.access_token}")
        assert (principal.user_id, principal.kind) == (user.id, "session")
        assert principal.scopes == {"notes:read", "notes:write"}
        assert tokens.expires_in == 600
        found = await auth.users.find_by_login("ada@example.org")
        assert found is not None
        assert found.last_login_at is not None


async def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(open_auth: Any) -> None:
    async with open_auth() as auth:
        await auth.users.register("ada", PASSWORD)
        answers = []
        for login, password in (("ada", "wrong"), ("bob", PASSWORD), ("b b", PASSWORD), ("ada", "x" * 1000)):
            with pytest.raises(ProblemError) as refused:
                await auth.login(login, password, address=HERE)
            answers.append((refused.value.status, refused.value.detail, refused.value.headers))
        assert answers == [answers[0]] * 4
        assert answers[0][0] == 401
        assert answers[0][2]["WWW-Authenticate"] == "Bearer"


async def test_an_unknown_login_costs_as_much_work_as_a_known_one(open_auth: Any) -> None:
    """In CPU time of the process, so that other load on the machine does not matter."""
    generous = {"hash_cost": HashCost(32 * 1024, 2, 1), "per_account": AuthPolicy("x").per_address}
    async with open_auth(**generous) as auth:
        await auth.users.register("ada", PASSWORD)

        async def cost(login: str) -> float:
            took = []
            for _ in range(5):
                before = time.process_time()
                with pytest.raises(ProblemError):
                    await auth.login(login, "wrong", address=HERE)
                took.append(time.process_time() - before)
            return min(took)

        await cost("warm-up")
        known, unknown = await cost("ada"), await cost("nobody")
        assert known / 2 < unknown < known * 2


async def test_the_event_loop_goes_on_while_passwords_are_hashed() -> None:
    passwords = Passwords(AuthPolicy("notes", hash_cost=HashCost(64 * 1024, 4, 1)))
    hashing = asyncio.create_task(passwords.hash(PASSWORD))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    passwords.close()
    assert turns > 5


async def test_hashes_are_argon2id_of_the_stated_cost_and_salted() -> None:
    for cost, written in ((RFC_9106, "m=65536,t=3,p=4"), (OWASP, "m=19456,t=2,p=1")):
        passwords = Passwords(AuthPolicy("notes", hash_cost=cost))
        first, second = await passwords.hash(PASSWORD), await passwords.hash(PASSWORD)
        assert first.startswith(f"$argon2id$v=19${written}$")
        assert first != second
        assert await passwords.verify(PASSWORD, first)
        passwords.close()


async def test_composed_and_decomposed_accents_are_the_same_password() -> None:
    passwords = Passwords(AuthPolicy("notes", hash_cost=HashCost(8, 1, 1)))
    kept = await passwords.hash("caf\u00e9 au lait \ud800")
    assert await passwords.verify("cafe\u0301 au lait \ud800", kept)
    assert not await passwords.verify("cafe au lait \ud800", kept)
    passwords.close()


async def test_a_hash_of_another_cost_is_renewed_at_the_next_login(open_auth: Any) -> None:
    async with open_auth() as auth:
        await auth.users.register("ada", PASSWORD)
        _, old = await auth.users.find_with_hash("ada")
    async with open_auth(hash_cost=HashCost(16, 2, 1)) as auth:
        await auth.login("ada", PASSWORD, address=HERE)
        _, new = await auth.users.find_with_hash("ada")
        assert "m=8,t=1" in old
        assert "m=16,t=2" in new
        await auth.login("ada", PASSWORD, address=HERE)
        assert (await auth.users.find_with_hash("ada"))[1] == new


async def test_when_too_many_hashes_wait_more_are_refused() -> None:
    passwords = Passwords(AuthPolicy("notes", hash_cost=HashCost(32 * 1024, 2, 1), hash_threads=1, hash_queue=2))
    answers = await asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(8)), return_exceptions=True)
    refused = [each for each in answers if isinstance(each, ProblemError)]
    assert len(refused) == 5
    assert {(each.status, each.headers["Retry-After"]) for each in refused} == {(503, "1")}
    assert isinstance(await passwords.hash(PASSWORD), str)  # there is room again
    passwords.close()


async def test_a_caller_that_goes_away_gives_its_place_back_when_the_work_is_done(eventually: Any) -> None:
    passwords = Passwords(AuthPolicy("notes", hash_cost=HashCost(8 * 1024, 1, 1), hash_threads=1, hash_queue=0))
    gone = asyncio.create_task(passwords.hash(PASSWORD))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    done: list[str] = []

    async def again() -> None:
        while not done:
            try:
                done.append(await passwords.hash(PASSWORD))
            except ProblemError:
                await asyncio.sleep(0.001)

    await asyncio.wait_for(again(), 10)
    passwords.close()


async def test_new_passwords_that_will_not_do_are_refused_without_showing_them(open_auth: Any) -> None:
    async with open_auth() as auth:
        for password, said in (
            ("short", "12 to 128"),
            ("x" * 129, "12 to 128"),
            ("Ada@Example.Org", "not be the login"),
        ):
            with pytest.raises(ProblemError, match=said) as refused:
                await auth.users.register("ada@example.org", password)
            assert refused.value.status == 422
            assert password not in str(refused.value)
        with pytest.raises(ProblemError, match="visible characters"):
            await auth.users.register("a\u200bda", PASSWORD)
        with pytest.raises(ValueError, match="there is no role 'admin'; the policy has: editor, reader"):
            await auth.users.register("ada", PASSWORD, roles=["admin"])


async def test_of_many_who_register_one_login_exactly_one_gets_it(open_auth: Any) -> None:
    async with open_auth() as auth:
        spellings = ["ada", "ADA", "Ada", "aDA", " ada"]
        answers = await asyncio.gather(
            *(auth.users.register(login, PASSWORD) for login in spellings), return_exceptions=True
        )
        refused = [each for each in answers if isinstance(each, ProblemError)]
        assert [each.status for each in refused] == [409] * 4


async def test_a_disabled_account_is_shut_at_once_until_it_is_enabled(open_auth: Any) -> None:
    async with open_auth() as auth:
        user = await auth.users.register("ada", PASSWORD, roles=["reader"])
        tokens = await auth.login("ada", PASSWORD, address=HERE)
        key = await auth.api_keys.create(user.id, "script", ["notes:read"])
        await auth.users.disable(user.id, by="admin")
        for attempt in (
            auth.login("ada", PASSWORD, address=HERE),
            auth.refresh(tokens.refresh_token),
            auth.authenticate(f"Bearer {tokens.access_token}"),
            auth.authenticate(None, key.key),
        ):
            with pytest.raises(ProblemError) as refused:
                await attempt
            assert refused.value.status == 401
        await auth.users.enable(user.id, by="admin")
        assert (await auth.authenticate(None, key.key)).scopes == {"notes:read"}
        await auth.login("ada", PASSWORD, address=HERE)
        with pytest.raises(ProblemError) as refused:
            await auth.users.disable("nobody", by="admin")
        assert refused.value.status == 404


async def test_a_password_changed_during_a_login_with_the_old_one_wins(
    open_auth: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_auth() as auth:
        user = await auth.users.register("ada", PASSWORD)
        verify = auth._passwords.verify

        async def slow(password: str, kept: str | None) -> bool:
            right: bool = await verify(password, kept)
            await auth.users.set_password(user.id, "another long password", by="admin")
            return right

        monkeypatch.setattr(auth._passwords, "verify", slow)
        with pytest.raises(ProblemError) as refused:
            await auth.login("ada", PASSWORD, address=HERE)
        assert refused.value.status == 401


async def test_who_changes_the_password_stays_logged_in_and_everybody_else_is_out(open_auth: Any) -> None:
    async with open_auth() as auth:
        user = await auth.users.register("ada", PASSWORD)
        here, elsewhere = [await auth.login("ada", PASSWORD, address=HERE) for _ in range(2)]
        principal = await auth.authenticate(f"Bearer {here.access_token}")
        change = {"address": HERE, "session_id": principal.credential_id}
        with pytest.raises(ProblemError) as refused:
            await auth.change_password(user.id, "wrong", "another long password", **change)
        assert refused.value.status == 401
        await auth.change_password(user.id, PASSWORD, "another long password", **change)
        await auth.authenticate(f"Bearer {here.access_token}")
        with pytest.raises(ProblemError):
            await auth.authenticate(f"Bearer {elsewhere.access_token}")
        with pytest.raises(ProblemError):
            await auth.login("ada", PASSWORD, address=HERE)
        await auth.login("ada", "another long password", address=HERE)
