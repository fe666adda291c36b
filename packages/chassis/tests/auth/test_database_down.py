"""On a declared database that is killed, nobody gets in, everybody is told so, and all is well when it is back."""

from typing import Any

import pytest
from chassis.auth import Auth, AuthPolicy, AuthTables, HashCost, KeyRing, new_key
from chassis.data import transactions
from chassis.dependencies.sql import Database
from chassis.errors import DependencyDownError, ProblemError

pytestmark = pytest.mark.needs("auth", "sql")

PASSWORD = "correct horse battery"
HERE = "192.0.2.7"


async def test_without_its_database_authentication_refuses_and_recovers(own_postgresql: Any) -> None:
    database = Database("database", address=own_postgresql.url)
    tables = AuthTables()
    policy = AuthPolicy("notes", roles={"reader": ["notes:read"]}, hash_cost=HashCost(8, 1, 1))
    auth = Auth(transactions(database.session), KeyRing.parse(new_key("k")), policy, tables=tables)
    async with database.engine.begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
    await auth.users.register("ada", PASSWORD, roles=["reader"])
    tokens = await auth.login("ada", PASSWORD, address=HERE)
    with pytest.raises(ProblemError, match="taken"):
        await auth.users.register("ada", PASSWORD)

    own_postgresql.kill()
    with pytest.raises(ProblemError) as refused:
        await auth.login("ada", PASSWORD, address=HERE)
    assert refused.value.status == 503
    for attempt in (auth.authenticate(f"Bearer {tokens.access_token}"), auth.refresh(tokens.refresh_token)):
        with pytest.raises(DependencyDownError):
            await attempt

    own_postgresql.start()
    database.pipeline.breaker.restore()
    assert (await auth.authenticate(f"Bearer {tokens.access_token}")).scopes == {"notes:read"}
    await auth.refresh(tokens.refresh_token)
    auth.close()
    await database.close()
