"""PostgreSQL for backups: ``pg_dump`` and ``pg_restore``, on one exported snapshot with the checksums."""

import contextlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import URL

from chassis.data.errors import BackupError
from chassis.data.manifest import Contents, TableContent, first_difference
from chassis.data.postgresql_tools import Tools, find_tools
from chassis.data.urls import libpq_environment, libpq_parameters, shown

_LONGEST_NAME = 63
# A backup takes as long as it takes.
_NO_LIMITS = " -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0"
_TRANSACTION_TIMEOUT_SINCE = 170_000

# Values are compared as texts: everything that changes how they are written is fixed.
_ONE_SPELLING = (
    "SET LOCAL TimeZone = 'UTC'", "SET LOCAL DateStyle = 'ISO, YMD'", "SET LOCAL IntervalStyle = 'postgres'",
    "SET LOCAL extra_float_digits = 1", "SET LOCAL bytea_output = 'hex'", "SET LOCAL xmloption = 'content'",
    "SET LOCAL lc_monetary = 'C'", "SET LOCAL row_security = off", "SET LOCAL search_path = ''",
)  # fmt: skip
_TABLES = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY 1, 2"""
_OURS = """JOIN pg_namespace n ON n.oid = {namespace} WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = {oid} AND d.deptype = 'e')"""
_ANYTHING = f"""
    SELECT 1 FROM pg_class c {_OURS.format(namespace="c.relnamespace", oid="c.oid")}
    UNION ALL SELECT 1 FROM pg_proc p {_OURS.format(namespace="p.pronamespace", oid="p.oid")}
    UNION ALL SELECT 1 FROM pg_type t {_OURS.format(namespace="t.typnamespace", oid="t.oid")}
    UNION ALL SELECT 1 FROM pg_largeobject_metadata
    LIMIT 1"""  # noqa: S608 - of constants
# By name: how a definition is written may change on its way through a dump.
_STRUCTURE = f"""
    WITH relation AS (
        SELECT c.oid, c.relkind, n.nspname || '.' || c.relname AS name FROM pg_class c
        {_OURS.format(namespace="c.relnamespace", oid="c.oid")} AND c.relpersistence <> 't')
    SELECT CASE relkind WHEN 'i' THEN 'index ' WHEN 'I' THEN 'index ' WHEN 'v' THEN 'view ' WHEN 'S' THEN 'sequence '
           WHEN 'm' THEN 'materialized view ' ELSE 'table ' END || name, '' FROM relation WHERE relkind <> 'c'
    UNION ALL SELECT 'column ' || name || '.' || attname,
           format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
    FROM relation JOIN pg_attribute ON attrelid = relation.oid
    WHERE relkind IN ('r', 'p', 'v', 'm') AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT 'constraint ' || name || '.' || conname, ''
    FROM relation JOIN pg_constraint ON conrelid = relation.oid
    WHERE contype IN ('c', 'f', 'p', 'u', 'x') AND conparentid = 0
    UNION ALL SELECT 'trigger ' || name || '.' || tgname, ''
    FROM relation JOIN pg_trigger ON tgrelid = relation.oid
    WHERE NOT tgisinternal AND tgparentid = 0"""  # noqa: S608 - of constants
_OWN_SCRATCH = """
    SELECT datname FROM pg_database
    WHERE datname ~ '^chassis_(verify|restore)_[0-9a-f]{16}$' AND pg_has_role(datdba, 'USAGE')"""
_CONTENT = """
    SELECT count(*), coalesce(sum(first::bit(64)::bigint::numeric), 0)::text
    FROM (SELECT 'x' || encode(substr(sha256(convert_to((t.*)::text, 'UTF8')), 1, 8), 'hex') AS first
          FROM ONLY {table} t) hashed"""


class PostgresqlStore:
    """One PostgreSQL database."""

    engine = "postgresql"
    file_name = "database.dump"

    def __init__(self, url: URL, *, tools: Path | None = None, timeout_s: float = 3600.0) -> None:
        """Take the database of the URL; ``tools`` is the folder of PostgreSQL's programs, if they are not on PATH.

        Raises:
            BackupError: the URL names no database.
        """
        if not url.database:
            raise BackupError(f"{shown(url)} names no database: end the URL with its name")
        self._url = url
        self._name = url.database
        self._tools_folder = tools
        self._timeout_s = timeout_s
        self.shown = shown(url)

    def dump(self, file: Path) -> Contents:
        """Write it to ``file`` in the custom format. Readers and writers go on meanwhile."""
        with self._snapshot() as connection:
            exported = connection.execute("SELECT pg_export_snapshot()").fetchall()[0][0]
            self._run("pg_dump", "--format=custom", f"--snapshot={exported}", f"--file={file}", connection=connection)
            return _contents(connection)

    def contents(self) -> Contents:
        """Return what is in it."""
        with self._snapshot() as connection:
            return _contents(connection)

    def is_empty(self) -> bool:
        """Tell whether nothing was made in it: no table, view, sequence, function or type, and no large object."""
        with self._snapshot() as connection:
            return connection.execute(_ANYTHING).fetchone() is None

    @contextmanager
    def scratch(self, file: Path) -> Iterator["PostgresqlStore"]:
        """Restore ``file`` into a new database of the same server; the account needs the right CREATEDB."""
        with self._beside("verify") as store:
            store.load(file)
            yield store

    def load(self, file: Path) -> None:
        """Restore ``file`` into it, in one transaction. Everything belongs to the account that restores."""
        with self._connected(self._url) as connection:
            options = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
            self._run("pg_restore", *options, f"--dbname={self._name}", str(file), connection=connection)

    def replace_by(self, file: Path, contents: Contents, stamp: str) -> str:
        """Restore into a new database, compare, and exchange the two names in one transaction."""
        aside = f"{self._name[: _LONGEST_NAME - 40]}_before_restore_{stamp.lower()}"
        with self._beside("restore") as fresh:
            fresh.load(file)
            if difference := first_difference(contents, fresh.contents()):
                raise BackupError(f"what was restored differs from the backup: {difference}; {self.shown} is as it was")
            with self._maintenance() as connection, connection.transaction():
                # Renaming needs databases without connections: services were stopped, and what is left is cut off.
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s)",
                    [[self._name, fresh._name]],
                )
                for old, new in ((self._name, aside), (fresh._name, self._name)):
                    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
                    connection.execute(rename.format(sql.Identifier(old), sql.Identifier(new)))
        return aside

    @contextmanager
    def _beside(self, purpose: str) -> Iterator["PostgresqlStore"]:
        """Make an empty database on the same server, and drop it at the end, unless it has another name by then.

        A lock is held as long as it is used. So those that a killed process has left are known, and dropped first.
        """
        name = f"chassis_{purpose}_{secrets.token_hex(8)}"
        with self._maintenance() as connection:
            for left in [str(row[0]) for row in connection.execute(_OWN_SCRATCH).fetchall()]:
                if _locked(connection, left):
                    _drop(connection, left)
                    connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [left])
            _locked(connection, name)
            found = connection.execute(
                "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = %s",
                [self._name],
            ).fetchone()
            if found is None:
                raise BackupError(f"{self.shown}: the database does not exist")
            create = "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}"
            connection.execute(sql.SQL(create).format(sql.Identifier(name), *map(sql.Literal, found)))
            try:
                yield PostgresqlStore(self._url.set(database=name), tools=self._tools_folder, timeout_s=self._timeout_s)
            finally:
                with self._maintenance() as another:  # the first may be lost by now
                    _drop(another, name)

    @contextmanager
    def _snapshot(self) -> Iterator["psycopg.Connection[Any]"]:
        """Connect, and see everything as of one moment."""
        with self._connected(self._url) as connection:
            if connection.info.server_version >= _TRANSACTION_TIMEOUT_SINCE:
                connection.execute("SET transaction_timeout = 0")
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection

    @contextmanager
    def _maintenance(self) -> Iterator["psycopg.Connection[Any]"]:
        """Connect to another database of the server, from which this one can be made, renamed and dropped."""
        with self._connected(self._url.set(database="postgres")) as connection:
            yield connection

    @contextmanager
    def _connected(self, url: URL) -> Iterator["psycopg.Connection[Any]"]:
        try:
            parameters: dict[str, Any] = {"connect_timeout": 10, "options": ""} | libpq_parameters(url)
            parameters["options"] += _NO_LIMITS
            with contextlib.closing(psycopg.connect(**parameters, autocommit=True)) as connection:
                yield connection
        except psycopg.Error as error:
            line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise BackupError(f"{shown(url)}: {line}") from error

    def _run(self, program: str, *arguments: str, connection: "psycopg.Connection[Any]") -> None:
        tools: Tools = find_tools(connection.info.server_version // 10_000, self._tools_folder)
        environment = libpq_environment(self._url)
        tools.run(program, *arguments, environment=environment, timeout_s=self._timeout_s)


def _locked(connection: "psycopg.Connection[Any]", name: str) -> bool:
    """Lock the name of a database for as long as the connection lives; tell whether nobody else had done so."""
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchone()
    return bool(row and row[0])


def _drop(connection: "psycopg.Connection[Any]", name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _contents(connection: "psycopg.Connection[Any]") -> Contents:
    for setting in _ONE_SPELLING:
        connection.execute(setting)
    names = [(str(schema), str(table)) for schema, table in connection.execute(_TABLES).fetchall()]
    revisions: tuple[str, ...] = ()
    tables = {}
    for schema, table in names:
        identifier = sql.Identifier(schema, table)
        for rows, checksum in connection.execute(sql.SQL(_CONTENT).format(table=identifier)).fetchall():
            tables[f"{schema}.{table}"] = TableContent(rows, checksum)
        if table == "alembic_version":
            query = sql.SQL("SELECT version_num FROM {} ORDER BY 1").format(identifier)
            revisions += tuple(str(row[0]) for row in connection.execute(query).fetchall())
    structure = {str(part): str(about) for part, about in connection.execute(_STRUCTURE).fetchall()}
    versions = {"postgresql": connection.info.parameter_status("server_version") or ""}
    return Contents(tables, revisions, versions, structure)
