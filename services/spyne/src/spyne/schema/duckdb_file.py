"""Opens a DuckDB file so that it can be read, and nothing else be reached."""

from __future__ import annotations

from pathlib import Path

import duckdb

from spyne.schema.errors import SourceUnreachable


def settings(memory_bytes: int) -> dict[str, str | bool | int | float | list[str]]:
    """The settings of a connection that reads one file and nothing else."""
    return {
        "enable_external_access": False, "autoinstall_known_extensions": False, "autoload_known_extensions": False,
        "allow_community_extensions": False, "allow_unsigned_extensions": False, "temp_directory": "",
        "memory_limit": f"{max(memory_bytes // 1024, 1)}KiB", "threads": 1, "lock_configuration": True,
    }  # fmt: skip


def connected(path: str, memory_bytes: int) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file for reading alone. Raises SourceUnreachable."""
    if not Path(path).is_file():
        raise SourceUnreachable("its file is not there")
    try:
        return duckdb.connect(path, read_only=True, config=settings(memory_bytes))
    except duckdb.Error as error:
        locked = "lock" in str(error).lower()
        raise SourceUnreachable(
            "another process has it open for writing" if locked else "its file is no DuckDB database"
        ) from None
