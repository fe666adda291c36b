"""What is known of databases, in one process."""

import chassis
import pytest
from chassis.data import Migrations
from spyne.api.catalog import Catalog
from spyne.api.threads import Threads
from spyne.secrets import Vault
from spyne.settings import Settings
from spyne.sources import NamedSource
from spyne.state.databases import RegisteredDatabases
from spyne.state.marks import SchemaMarks
from spyne.state.tables import Base

SECRET = "kJ8-aa0Pq_zz81mNvB72hsXc4uTe9RwYd"


async def test_what_was_changed_or_removed_is_forgotten(tmp_path):
    service = chassis.Service("spyne", Settings, logs=False)
    service.settings = Settings(secret_key=SECRET, data_dir=tmp_path, demo=False)
    Migrations("spyne.state.migrations", service.settings.state_url, Base.metadata).upgrade()
    state = service.sql("state", lambda s: s.state_url)
    registered = RegisteredDatabases(state, lambda: Vault(service.settings.secret_key))
    threads = Threads(lambda: 1)
    catalog = Catalog(lambda: service.settings, registered, threads, SchemaMarks(state))

    def locations():
        return [source.location.get_secret_value() for source in catalog.sources.values()]

    try:
        for name in ("mine", "mine-too"):
            await registered.add(NamedSource(name, "sqlite", f"/{name}.db"), "", name)
            await catalog.find(name)
        await registered.change(NamedSource("mine", "sqlite", "/other.db"), "", "mine")
        await catalog.find("mine")
        assert sorted(locations()) == ["/mine-too.db", "/other.db"]

        await registered.remove("mine")
        with pytest.raises(chassis.ProblemError):
            await catalog.find("mine")
        assert locations() == ["/mine-too.db"]
    finally:
        threads.close()
        await state.close()
