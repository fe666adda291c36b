"""What is known of databases, in one process."""

from pathlib import Path

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
    service.settings = Settings(secret_key=SECRET, data_dir=tmp_path, files_dir=tmp_path, demo=False)
    Migrations("spyne.state.migrations", service.settings.state_url, Base.metadata).upgrade()
    state = service.sql("state", lambda s: s.state_url)
    registered = RegisteredDatabases(state, lambda: Vault(service.settings.secret_key))
    threads = Threads(lambda: 1)
    catalog = Catalog(lambda: service.settings, registered, threads, SchemaMarks(state))

    def file(name):
        (tmp_path / name).touch()
        return str(tmp_path / name)

    def files():
        return sorted(Path(source.location.get_secret_value()).name for source in catalog.sources.values())

    try:
        for name in ("mine", "mine-too"):
            await registered.add(NamedSource(name, "sqlite", file(f"{name}.db")), "", name)
            await catalog.find(name)
        await registered.change(NamedSource("mine", "sqlite", file("other.db")), "", "mine")
        await catalog.find("mine")
        assert files() == ["mine-too.db", "other.db"]

        await registered.remove("mine")
        with pytest.raises(chassis.ProblemError):
            await catalog.find("mine")
        assert files() == ["mine-too.db"]
    finally:
        threads.close()
        await state.close()
