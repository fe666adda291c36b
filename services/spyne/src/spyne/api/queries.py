"""SQL that people write or edit: it is guarded like any other. Results as rows and as files; cancelling."""

import time
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any

import chassis
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse

from spyne.api.access import Asking, name_of, names_to_cancel
from spyne.api.catalog import Known
from spyne.api.models import Export, RequestId, SqlRun
from spyne.api.parts import Parts
from spyne.api.shown import rows_shown
from spyne.ask.outcome import Rows
from spyne.exports import csv_lines, json_lines, parquet
from spyne.sql.errors import Refused
from spyne.sql.guard import check
from spyne.state.tables import HistoryEntry, new_id

NDJSON = "application/x-ndjson"
router = APIRouter(prefix="/api/query", tags=["sql"])


@router.post("/execute", response_model=None)
async def execute(sent: SqlRun, request: Request, parts: Asking) -> dict[str, Any] | Response:
    """Run SQL that the caller wrote. What is run is what the guard made of it: `data.sql`.

    Who accepts `application/x-ndjson` gets the rows alone, as a stream of JSON objects, one a line.
    """
    began = time.monotonic()
    known = await parts.catalog.find(sent.database)
    try:
        sql, rows = await _run(parts, known, sent, request, "execute")
    except chassis.ProblemError as error:
        failed = _entry(known, sent, began, "cancelled" if error.status == HTTPStatus.CONFLICT else "error")
        failed.words = error.detail
        with suppress(chassis.DependencyError):
            await parts.library.add(failed)
        raise
    entry = _entry(known, sent, began, "success")
    entry.sql, entry.row_count = sql, len(rows.rows)
    await parts.library.add(entry)
    if NDJSON in request.headers.get("accept", ""):
        return StreamingResponse(json_lines(rows), media_type=NDJSON, headers=_limits(rows))
    return {
        "status": "success",
        "database": known.name,
        "request_id": chassis.correlation_id.get(),
        "history_id": entry.id,
        "source": "sql",
        "elapsed_ms": entry.elapsed_ms,
        "data": {**rows_shown(rows), "sql": sql},
    }


@router.post("/validate")
async def validate(sent: SqlRun, parts: Asking) -> dict[str, Any]:
    """Say whether the guard lets SQL through, and what would be run; nothing is run."""
    schema = await parts.catalog.schema(await parts.catalog.find(sent.database))
    try:
        return {"valid": True, "sql": check(sent.sql, schema, max_rows=parts.runner.most_rows(sent.limit))}
    except Refused as error:
        return {"valid": False, "rule": error.rule, "message": error.message}


@router.post("/export")
async def export(sent: Export, request: Request, parts: Asking) -> Response:
    """Run SQL, and return its result as a file: CSV, JSON lines or Parquet."""
    if not parts.settings.enable_export:
        raise chassis.ProblemError(404, "Exports are switched off: RCA_ENABLE_EXPORT.")
    known = await parts.catalog.find(sent.database)
    _, rows = await _run(parts, known, sent, request, "export")
    headers = {"Content-Disposition": f'attachment; filename="{known.name}.{sent.format}"', **_limits(rows)}
    if sent.format == "csv":
        return StreamingResponse(csv_lines(rows), media_type="text/csv; charset=utf-8", headers=headers)
    if sent.format == "ndjson":
        return StreamingResponse(json_lines(rows), media_type=NDJSON, headers=headers)
    content = await parts.threads.run(parquet, rows)
    return Response(content, media_type="application/vnd.apache.parquet", headers=headers)


@router.post("/{request_id}/cancel", status_code=202)
async def cancel(request_id: Annotated[RequestId, Path()], request: Request, parts: Asking) -> dict[str, Any]:
    """End the queries of a request, named by its X-Request-ID, whichever process runs them.

    Only what runs now, or begins within 5 seconds; where keys are set, only what was asked with the same key, or all
    with the administrator's. `ended` is false where another process runs them: they end within a second.
    """
    return {"request_id": request_id, "ended": await parts.runner.cancel(names_to_cancel(request, request_id))}


def _limits(rows: Rows) -> dict[str, str]:
    """What was cut off, where the rows alone are sent."""
    return {"X-Limits-Hit": ",".join(rows.limits_hit)}


def _entry(known: Known, sent: SqlRun, began: float, status: str) -> HistoryEntry:
    return HistoryEntry(
        id=new_id(),
        database=known.name,
        query=sent.sql[:1000],
        status=status,
        origin="sql",
        elapsed_ms=round((time.monotonic() - began) * 1000, 1),
        answers={},
        correlation_id=chassis.correlation_id.get()[:128],
    )


async def _run(parts: Parts, known: Known, sent: SqlRun, request: Request, kind: str) -> tuple[str, Rows]:
    schema, sql = await parts.runner.checked_now(known, sent.sql, sent.limit)
    with parts.measures.latency.labels(kind).time():
        rows = await parts.runner.run(
            known,
            schema,
            sql,
            request_id=name_of(request, chassis.correlation_id.get()),
            limit=sent.limit,
            gone=request.is_disconnected,
        )
    return sql, rows
