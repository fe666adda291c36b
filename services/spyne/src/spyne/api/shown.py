"""Outcomes and rows, as they are sent."""

from typing import Any

from spyne.ask.outcome import Answer, Clarification, Outcome, Rows


def outcome_shown(outcome: Outcome, session_id: str | None) -> dict[str, Any]:
    """Write an outcome as it is sent; a question back has the id of the session that goes on with it."""
    if isinstance(outcome, Answer):
        return {
            "data": {**rows_shown(outcome.rows), "sql": outcome.sql or None},
            "final_answer": "; not compared, as it could not be run: ".join((outcome.reading.words, *outcome.unrun)),
            "reading": outcome.reading.words,
            "choices": dict(outcome.reading.choices),
            "confidence": outcome.confidence,
            "probability": round(outcome.probability, 4),
            "source": outcome.reading.origin,
            "not_run": outcome.unrun,
        }
    if isinstance(outcome, Clarification):
        question = outcome.question
        return {
            "clarification": {
                "id": session_id,
                "message": question.text,
                "questions": [
                    {
                        "id": question.id,
                        "text": question.text,
                        "options": [
                            {
                                "id": option.id,
                                "label": option.label,
                                "preview": rows_shown(option.preview) if option.preview else None,
                            }
                            for option in question.options
                        ],
                    }
                ],
            },
            "readings": [reading.words for reading in outcome.readings],
        }
    return {"reason": outcome.reason, "unlinked": outcome.unlinked, "suggestions": outcome.suggestions}


def rows_shown(rows: Rows) -> dict[str, Any]:
    """Write rows as they are sent."""
    return {
        "columns": rows.columns,
        "rows": rows.rows,
        "row_count": len(rows.rows),
        "limits_hit": rows.limits_hit,
        "query_ms": round(rows.elapsed_s * 1000, 1),
    }
