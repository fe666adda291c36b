"""Sessions: carried on by tokens of one use, ended at once, and ended for everybody when a token was copied."""

import asyncio
import dataclasses
from typing import Any

import pytest
from chassis.auth import Auth, AuthPolicy, AuthTables, HashCost, KeyRing, Tokens, new_key
from chassis.context import correlation_id
from chassis.errors import ProblemError
from chassis.testing import HeldClock
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool

pytestmark = pytest.mark.needs("auth", "sql")

PASSWORD = "correct horse battery"
HERE = "192.0.2.7"
DAY = 86_400


async def logged_in(auth: Any) -> Tokens:
    await auth.users.register("ada", PASSWORD, roles=["reader"])
    tokens: Tokens = await auth.login("ada", PASSWORD, address=HERE)
    return tokens


async def refusal(answer: Any) -> str:
    """Return the detail of the 401 that an answer must be."""
    with pytest.raises(ProblemError) as refused:
        await answer
    assert refused.value.status == 401
    assert refused.value.headers["WWW-Authenticate"].startswith("Bearer")
    return refused.value.detail


async def test_a_refresh_gives_new_tokens_and_uses_the_old_one_up(open_auth: Any, clock: Any) -> None:
    async with open_auth() as auth:
        first = await logged_in(auth)
        second = await auth.refresh(first.refresh_token)
        assert second.refresh_token != first.refresh_token
        third = await auth.refresh(second.refresh_token)
        for tokens in (first, second, third):
            await auth.authenticate(f"Bearer {tokens.access_token}")


async def test_a_token_that_comes_back_ends_the_session_for_the_thief_and_for_the_victim(
    open_auth: Any, clock: Any
) -> None:
    async with open_auth() as auth:
        stolen = await logged_in(auth)
        other = await auth.login("ada", PASSWORD, address=HERE)
        newest = await auth.refresh(stolen.refresh_token)
        clock.advance(60)
        assert "had been used before" in await refusal(auth.refresh(stolen.refresh_token))
        assert "session has ended" in await refusal(auth.refresh(newest.refresh_token))
        assert "session has ended" in await refusal(auth.authenticate(f"Bearer {newest.access_token}"))
        await auth.refresh(other.refresh_token)  # another session of the same account goes on
        entry = (await auth.audit.entries())[0]
        assert (entry.action, entry.outcome, entry.actor) == ("refresh_token.reused", "refused", "")


async def test_of_many_refreshes_at_once_exactly_one_wins_and_the_session_goes_on(open_auth: Any) -> None:
    async with open_auth() as one, open_auth() as two:  # two workers
        tokens = await logged_in(one)
        answers = await asyncio.gather(
            *(auth.refresh(tokens.refresh_token) for auth in (one, two) * 8), return_exceptions=True
        )
        won = [each for each in answers if isinstance(each, Tokens)]
        assert len(won) == 1
        assert {each.detail for each in answers if isinstance(each, ProblemError)} == {
            "The refresh token was used a moment ago: go on with the token that was made then."
        }
        await two.refresh(won[0].refresh_token)


async def test_without_grace_even_a_race_ends_the_session(open_auth: Any) -> None:
    async with open_auth(race_grace_s=0) as auth:
        first = await logged_in(auth)
        second = await auth.refresh(first.refresh_token)
        await refusal(auth.refresh(first.refresh_token))
        await refusal(auth.refresh(second.refresh_token))


async def test_a_logout_takes_effect_at_once_and_says_nothing_about_tokens(open_auth: Any) -> None:
    async with open_auth() as auth:
        tokens = await logged_in(auth)
        newest = await auth.refresh(tokens.refresh_token)
        await auth.logout("never was one")
        await auth.logout(newest.refresh_token)
        await auth.logout(newest.refresh_token)
        await refusal(auth.refresh(newest.refresh_token))
        await refusal(auth.authenticate(f"Bearer {newest.access_token}"))
        assert [entry.action for entry in await auth.audit.entries()].count("session.ended") == 1


async def test_a_session_ends_by_its_id(open_auth: Any) -> None:
    async with open_auth() as auth:
        tokens = await logged_in(auth)
        principal = await auth.authenticate(f"Bearer {tokens.access_token}")
        await auth.sessions.end_by_id(principal.credential_id)
        await refusal(auth.authenticate(f"Bearer {tokens.access_token}"))


async def test_a_session_ends_unused_after_two_weeks_and_used_after_a_month(open_auth: Any, clock: Any) -> None:
    async with open_auth() as auth:
        unused = await logged_in(auth)
        used = await auth.login("ada", PASSWORD, address=HERE)
        for _ in range(2):
            clock.advance(10 * DAY)
            used = await auth.refresh(used.refresh_token)
        assert "session has ended" in await refusal(auth.refresh(unused.refresh_token))
        clock.advance(10 * DAY + 1)
        assert "session has ended" in await refusal(auth.refresh(used.refresh_token))


async def test_without_looking_sessions_up_a_logout_takes_effect_when_the_access_token_ends(
    open_auth: Any, clock: Any
) -> None:
    async with open_auth(check_sessions=False) as auth:
        tokens = await logged_in(auth)
        await auth.logout(tokens.refresh_token)
        assert (await auth.authenticate(f"Bearer {tokens.access_token}")).scopes == {"notes:read"}
        clock.advance(606)
        assert "expired" in await refusal(auth.authenticate(f"Bearer {tokens.access_token}"))


async def test_changed_roles_take_effect_at_once(open_auth: Any) -> None:
    async with open_auth() as auth:
        tokens = await logged_in(auth)
        principal = await auth.authenticate(f"Bearer {tokens.access_token}")
        with pytest.raises(ProblemError) as refused:
            principal.require("notes:read", "notes:write")
        assert refused.value.status == 403
        assert refused.value.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="notes:write"'
        await auth.users.set_roles(principal.user_id, ["editor"], by="admin")
        (await auth.authenticate(f"Bearer {tokens.access_token}")).require("notes:read", "notes:write")


async def test_only_what_is_over_is_swept_and_a_stolen_token_is_known_until_then(open_auth: Any, clock: Any) -> None:
    async with open_auth() as auth:
        stolen = await logged_in(auth)
        newest = stolen
        for _ in range(2):
            newest = await auth.refresh(newest.refresh_token)
            clock.advance(13 * DAY)
        await auth.sweep()
        assert "had been used before" in await refusal(auth.refresh(stolen.refresh_token))
        later = await auth.login("ada", PASSWORD, address=HERE)
        clock.advance(5 * DAY)
        await auth.sweep()
        async with auth._storage.begin() as connection:
            tables = auth._storage.tables
            for table in (tables.sessions, tables.refresh_tokens):
                assert (await connection.execute(select(func.count()).select_from(table))).scalar_one() == 1
        await auth.refresh(later.refresh_token)


async def test_what_is_sent_otherwise_is_refused_with_the_reason(open_auth: Any) -> None:
    async with open_auth() as auth:
        for authorization, key in (
            (None, None), ("", None), ("Bearer", None), ("Basic YTpi", None), ("Bearer x", "ck_x_y"), ("x", None),
            ("Bearer " + "x" * 100_000, None), (None, "ck_\ud800"), ("Bearer \u00e9.\u00e9.\u00e9", None),
        ):  # fmt: skip
            await refusal(auth.authenticate(authorization, key))
        await refusal(auth.refresh("\ud800"))


async def test_nothing_that_opens_a_door_is_kept_or_shown(open_auth: Any) -> None:
    async with open_auth() as auth:
        tokens = await logged_in(auth)
        newer = await auth.refresh(tokens.refresh_token)
        user = await auth.users.find_by_login("ada")
        key = await auth.api_keys.create(user.id, "script", ["notes:read"])
        await auth.authenticate(None, key.key)
        kept = ""
        async with auth._storage.begin() as connection:
            for table in auth._storage.tables.metadata.sorted_tables:
                kept += repr((await connection.execute(text(f"SELECT * FROM {table.name}"))).all())
    secrets = [PASSWORD, key.key.rpartition("_")[2]]
    secrets += [each for pair in (tokens, newer) for each in (pair.access_token, pair.refresh_token)]
    assert user.id in kept
    for secret in secrets:
        assert secret not in kept
        assert secret not in repr([tokens, newer, key, user, auth])


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("refresh"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.sampled_from([1, 5, 8 * DAY, 15 * DAY])),
        st.tuples(st.just("logout"), st.integers(0, 9)),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(ACTIONS)
def test_any_history_of_a_family_is_as_the_rules_say(actions: list[tuple[str, int]]) -> None:
    """The model: a session is alive or not, and of its tokens only the newest is good, until it is idle too long."""

    async def live() -> None:
        engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
        tables, clock = AuthTables(), HeldClock()
        async with engine.begin() as connection:
            await connection.run_sync(tables.metadata.create_all)
        policy = AuthPolicy("notes", hash_cost=HashCost(8, 1, 1))
        auth = Auth(engine.begin, KeyRing.parse(new_key("k")), policy, tables=tables, clock=clock)
        await auth.users.register("ada", PASSWORD)
        family = [(await auth.login("ada", PASSWORD, address=HERE)).refresh_token]
        start, alive, used_at, made_at = clock.time(), True, {}, {0: clock.time()}
        for action, number in actions:
            alive = alive and clock.time() < start + 30 * DAY
            which = len(family) - 1 - number % len(family)  # 0 is the newest
            if action == "wait":
                clock.advance(number)
            elif action == "logout":
                await auth.logout(family[which])
                alive = False
            else:
                good = alive and which not in used_at and clock.time() < made_at[which] + 14 * DAY
                try:
                    family.append((await auth.refresh(family[which])).refresh_token)
                    assert good
                    used_at[which], made_at[len(family) - 1] = clock.time(), clock.time()
                except ProblemError:
                    assert not good
                    if which in used_at and clock.time() - used_at[which] >= policy.race_grace_s:
                        alive = False
            assert len(family) - len(used_at) == 1  # never two tokens that are good
        auth.close()
        await engine.dispose()

    asyncio.run(live())


async def test_audit_entries_say_who_what_when_where_and_in_which_request(open_auth: Any, clock: Any) -> None:
    async with open_auth() as auth:
        user = await auth.users.register("ada", PASSWORD)
        token = correlation_id.set("request-1")
        with pytest.raises(ProblemError):
            await auth.login("ada", "wrong", address=HERE)
        correlation_id.reset(token)
        with pytest.raises(ProblemError):
            await auth.login("my-password-typed-as-a-login", "x", address=HERE)
        await auth.login("ada", PASSWORD, address=HERE)
        entries = [dataclasses.astuple(entry)[1:6] for entry in await auth.audit.entries()]
        assert entries == [
            ("login", "succeeded", user.id, user.id, HERE),
            ("login", "refused", "", "unknown", HERE),
            ("login", "refused", "", user.id, HERE),
            ("user.registered", "succeeded", user.id, user.id, ""),
        ]
        about = await auth.audit.entries(subject=user.id)
        assert [entry.correlation_id for entry in about] == ["", "request-1", ""]
        assert about[0].at == clock.time()
        assert len(await auth.audit.entries(limit=1)) == 1
