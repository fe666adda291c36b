"""The requests of each service that work, which ``_corpus.py`` spoils."""

from __future__ import annotations

from typing import Any

from _corpus import Base

# ------------------------------------------------------------------------------- Kinto

K = "/v1/buckets"
LISTING = (
    "_limit",
    "_sort",
    "_since",
    "_to",
    "_before",
    "_token",
    "_fields",
    "in_id",
    "exclude_id",
    "min_last_modified",
    "max_last_modified",
    "last_modified",
    "gt_age",
    "like_note",
    "has_note",
    "contains_note",
    "contains_any_note",
    "not_note",
    "id",
    "note",
    "_expected",
)
RECORDS = f"{K}/default/collections/items/records"
PERMISSIONS = {"read": ["system.Everyone"]}
KINTO = [
    Base("POST", RECORDS, {"data": {"note": "n"}, "permissions": PERMISSIONS}),
    Base("GET", f"{RECORDS}/{{id}}", None, ("_fields", "_expected")),
    Base("PUT", f"{RECORDS}/{{id}}", {"data": {"note": "n", "last_modified": 1}}),
    Base("PATCH", f"{RECORDS}/{{id}}", {"data": {"note": "n"}, "permissions": PERMISSIONS}),
    Base("DELETE", f"{RECORDS}/{{no}}", None, ("last_modified",)),
    Base("GET", RECORDS, None, LISTING),
    Base("HEAD", RECORDS, None, LISTING),
    Base("DELETE", f"{K}/default/collections/spare/records", None, LISTING),
    Base("POST", K, {"data": {"id": "b1"}, "permissions": {"write": ["system.Everyone"]}}),
    Base("GET", K, None, LISTING),
    Base("PUT", f"{K}/{{new}}", {"data": {"colour": "red"}}),
    Base("PATCH", f"{K}/{{new}}", {"data": {"colour": "red"}}),
    Base("GET", f"{K}/{{new}}", None, ("_fields",)),
    Base("DELETE", f"{K}/{{new}}"),
    Base("GET", f"{K}/{{new}}/collections", None, ("_limit", "_since")),
    Base("POST", f"{K}/default/collections", {"data": {"id": "c1", "schema": {"type": "object"}}}),
    Base("PUT", f"{K}/default/collections/{{new}}", {"data": {"cache_expires": 5}}),
    Base("POST", f"{K}/default/groups", {"data": {"id": "g1", "members": ["u"]}}),
    Base("PUT", f"{K}/default/groups/{{new}}", {"data": {"members": ["u"]}}),
    Base("GET", f"{K}/default/groups", None, LISTING),
    Base("GET", f"{K}/default/collections/{{new}}/records", None, ("_limit", "_sort")),
    Base(
        "POST",
        "/v1/batch",
        {
            "defaults": {"method": "POST", "headers": {"If-Match": "1"}},
            "requests": [{"path": RECORDS, "body": {"data": {"note": "n"}}, "method": "POST"}],
        },
    ),
    Base("POST", "/v1/accounts", {"data": {"id": "u1", "password": "p-Word12"}}),
    Base("PUT", "/v1/accounts/{new}", {"data": {"password": "p-Word12"}}),
    Base("GET", "/v1/accounts/{new}", None, ("_fields",)),
    Base("GET", "/v1/accounts", None, ("_limit", "_since", "id")),
    Base("GET", "/v1/", None, ("x",)),
    Base("GET", "/v1/__heartbeat__", None, ("x",)),
    Base("GET", "/v1/__version__", None, ("x",)),
    Base("GET", "/v1/__api__", None, ("x",)),
    Base("GET", "/v1/contribute.json", None, ("x",)),
]

# ------------------------------------------------------------------------------ MLflow

A = "/api/2.0/mlflow"
SEARCH = ("max_results", "page_token", "filter", "order_by")
MLFLOW = [
    Base(
        "POST",
        f"{A}/registered-models/create",
        {"name": "m1", "description": "d", "tags": [{"key": "k", "value": "v"}]},
    ),
    Base("GET", f"{A}/registered-models/get", None, ("name",)),
    Base("PATCH", f"{A}/registered-models/update", {"name": "{id}", "description": "d"}),
    Base("POST", f"{A}/registered-models/rename", {"name": "{id}", "new_name": "{id}"}),
    Base("DELETE", f"{A}/registered-models/delete", {"name": "no-such"}),
    Base("GET", f"{A}/registered-models/search", None, SEARCH),
    Base("POST", f"{A}/registered-models/set-tag", {"name": "{id}", "key": "k", "value": "v"}),
    Base("DELETE", f"{A}/registered-models/delete-tag", {"name": "{id}", "key": "k"}),
    Base("POST", f"{A}/registered-models/alias", {"name": "{id}", "alias": "a", "version": "1"}),
    Base("GET", f"{A}/registered-models/alias?name={{id}}", None, ("alias",)),
    Base("DELETE", f"{A}/registered-models/alias", {"name": "{id}", "alias": "a"}),
    Base("POST", f"{A}/registered-models/get-latest-versions", {"name": "{id}", "stages": ["None"]}),
    Base(
        "POST",
        f"{A}/model-versions/create",
        {
            "name": "{id}",
            "source": "s3://b/p",
            "run_id": "r",
            "tags": [{"key": "k", "value": "v"}],
            "run_link": "l",
            "description": "d",
        },
    ),
    Base("GET", f"{A}/model-versions/get?name={{id}}", None, ("version",)),
    Base("PATCH", f"{A}/model-versions/update", {"name": "{id}", "version": "1", "description": "d"}),
    Base("GET", f"{A}/model-versions/search", None, SEARCH),
    Base("POST", f"{A}/model-versions/set-tag", {"name": "{id}", "version": "1", "key": "k", "value": "v"}),
    Base(
        "POST",
        f"{A}/model-versions/transition-stage",
        {"name": "{id}", "version": "1", "stage": "Staging", "archive_existing_versions": False},
    ),
    Base(
        "POST",
        f"{A}/experiments/create",
        {"name": "e1", "artifact_location": "s3://b/p", "tags": [{"key": "k", "value": "v"}]},
    ),
    Base("GET", f"{A}/experiments/get", None, ("experiment_id",)),
    Base("GET", f"{A}/experiments/get-by-name", None, ("experiment_name",)),
    Base("POST", f"{A}/experiments/update", {"experiment_id": "0", "new_name": "Default"}),
    Base(
        "POST",
        f"{A}/experiments/search",
        {"max_results": 5, "page_token": "", "filter": "name = 'x'", "order_by": ["name"], "view_type": "ALL"},
    ),
    Base("GET", f"{A}/experiments/search?max_results=5", None, ("page_token", "filter", "order_by", "view_type")),
    Base("GET", f"{A}/experiments/search", None, ("max_results",)),
    Base("POST", f"{A}/experiments/delete", {"experiment_id": "999999"}),
    Base("POST", f"{A}/experiments/restore", {"experiment_id": "999999"}),
    Base("POST", f"{A}/experiments/set-experiment-tag", {"experiment_id": "0", "key": "k", "value": "v"}),
    Base(
        "POST",
        f"{A}/runs/create",
        {"experiment_id": "0", "user_id": "u", "start_time": 1, "run_name": "r", "tags": [{"key": "k", "value": "v"}]},
    ),
    Base("GET", f"{A}/runs/get", None, ("run_id", "run_uuid")),
    Base(
        "POST",
        f"{A}/runs/search",
        {
            "experiment_ids": ["0"],
            "filter": "metrics.a > 1",
            "max_results": 5,
            "order_by": ["start_time"],
            "page_token": "",
            "run_view_type": "ALL",
        },
    ),
    Base("POST", f"{A}/runs/update", {"run_id": "{run}", "status": "FINISHED", "end_time": 1, "run_name": "r"}),
    Base("POST", f"{A}/runs/log-metric", {"run_id": "{run}", "key": "k", "value": 1.0, "timestamp": 1, "step": 1}),
    Base("POST", f"{A}/runs/log-parameter", {"run_id": "{run}", "key": "k", "value": "v"}),
    Base("POST", f"{A}/runs/set-tag", {"run_id": "{run}", "key": "k", "value": "v"}),
    Base("POST", f"{A}/runs/delete-tag", {"run_id": "{run}", "key": "k"}),
    Base(
        "POST",
        f"{A}/runs/log-batch",
        {
            "run_id": "{run}",
            "metrics": [{"key": "k", "value": 1.0, "timestamp": 1, "step": 1}],
            "params": [{"key": "p", "value": "v"}],
            "tags": [{"key": "k", "value": "v"}],
        },
    ),
    Base(
        "POST",
        f"{A}/runs/log-inputs",
        {
            "run_id": "{run}",
            "datasets": [
                {
                    "dataset": {"name": "n", "digest": "d", "source_type": "s", "source": "s"},
                    "tags": [{"key": "k", "value": "v"}],
                }
            ],
        },
    ),
    Base("POST", f"{A}/runs/delete", {"run_id": "no-such"}),
    Base("GET", f"{A}/metrics/get-history?run_id={{run}}", None, ("metric_key", "max_results", "page_token")),
    Base("GET", f"{A}/artifacts/list", None, ("run_id", "path", "page_token")),
    Base("GET", f"{A}/artifacts/list?run_id={{run}}", None, ("path", "page_token")),
    Base(
        "POST",
        f"{A}/logged-models",
        {
            "experiment_id": "0",
            "name": "lm",
            "model_type": "t",
            "params": [{"key": "k", "value": "v"}],
            "tags": [{"key": "k", "value": "v"}],
        },
    ),
    Base(
        "POST",
        f"{A}/logged-models/search",
        {"experiment_ids": ["0"], "filter": "name = 'x'", "max_results": 5, "page_token": ""},
    ),
    Base("GET", f"{A}/logged-models/{{no}}"),
    Base(
        "POST",
        "/api/3.0/mlflow/traces/search",
        {
            "locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}],
            "filter": "",
            "max_results": 5,
            "order_by": ["timestamp_ms"],
            "page_token": "",
        },
    ),
    Base("POST", "/api/3.0/mlflow/datasets/create", {"name": "d", "experiment_ids": ["0"], "tags": "{}"}),
    Base(
        "POST",
        "/api/3.0/mlflow/datasets/search",
        {
            "experiment_ids": ["0"],
            "filter_string": "name = 'x'",
            "max_results": 5,
            "order_by": ["name"],
            "page_token": "",
        },
    ),
    Base("GET", "/api/3.0/mlflow/traces/{no}"),
    Base("POST", "/graphql", {"operationName": "q", "query": "query q { __typename }", "variables": {}}),
    Base("GET", "/api/2.0/mlflow-artifacts/artifacts/{no}"),
    Base("GET", "/api/2.0/mlflow-artifacts/artifacts", None, ("path",)),
    Base("GET", "/get-artifact?run_uuid={run}", None, ("path", "run_id")),
    Base("GET", "/health", None, ("x",)),
    Base("GET", "/version", None, ("x",)),
]

# ----------------------------------------------------------------------------- httpbin

HTTPBIN = [
    *(
        Base(method, path, {"name": "n", "list": [1]}, ("x",))
        for method, path in (
            ("POST", "/post"),
            ("PUT", "/put"),
            ("PATCH", "/patch"),
            ("DELETE", "/delete"),
            ("POST", "/anything"),
            ("POST", "/anything/{no}"),
        )
    ),
    Base("GET", "/get", None, ("x",)),
    Base("GET", "/headers", None, ("x",)),
    Base("GET", "/redirect/{no}"),
    Base("GET", "/redirect-to", None, ("url",)),
    Base("GET", "/redirect-to?url=/get", None, ("status_code",)),
    Base("GET", "/relative-redirect/{no}"),
    Base("GET", "/absolute-redirect/{no}"),
    Base("GET", "/stream/{no}"),
    Base("GET", "/response-headers", None, ("x", "Content-Length", "Content-Type", "Set-Cookie")),
    Base("GET", "/cookies/set", None, ("x",)),
    Base("GET", "/cookies/set/{no}/v"),
    Base("GET", "/cookies/set/k/{no}"),
    Base("GET", "/cookies/delete", None, ("x",)),
    Base("GET", "/basic-auth/{no}/p"),
    Base("GET", "/hidden-basic-auth/{no}/p"),
    Base("GET", "/digest-auth/{no}/u/p"),
    Base("GET", "/digest-auth/auth/{no}/p"),
    Base("GET", "/digest-auth/auth/u/p/{no}"),
    Base("GET", "/digest-auth/auth/u/p/MD5/{no}"),
    Base("GET", "/bearer"),
    Base("GET", "/delay/{no}"),
    Base("GET", "/drip?duration=0", None, ("numbytes", "code", "delay")),
    Base("GET", "/drip?numbytes=1&delay=0", None, ("duration",)),
    Base("GET", "/base64/{no}"),
    Base("GET", "/cache/{no}"),
    Base("GET", "/etag/{no}"),
    Base("GET", "/bytes/{no}", None),
    Base("GET", "/bytes/5", None, ("seed",)),
    Base("GET", "/stream-bytes/{no}"),
    Base("GET", "/stream-bytes/5", None, ("seed", "chunk_size")),
    Base("GET", "/range/{no}"),
    Base("GET", "/range/26?duration=0", None, ("chunk_size",)),
    Base("GET", "/range/26", None, ("duration",)),
    Base("GET", "/links/{no}/0"),
    Base("GET", "/links/3/{no}"),
    Base("GET", "/image"),
    Base("GET", "/uuid", None, ("x",)),
]

# ----------------------------------------------------------------------------- Prefect

PREFECT_SKIP = ("/admin/", "/ui/", "/csrf-token", "/block_types/install")


def example(schema: dict[str, Any], root: dict[str, Any], depth: int = 0) -> Any:
    """A small plausible value for a JSON schema; every property is filled in, two levels deep."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return example(root["components"]["schemas"][name], root, depth)
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            options = [o for o in schema[union] if o.get("type") != "null"]
            return example(options[0], root, depth) if options else None
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("default") not in (None, [], {}):
        return schema["default"]
    kind = schema.get("type")
    if kind == "object":
        needed = set(schema.get("required", ()))
        properties = schema.get("properties", {})
        wanted = properties if depth < 1 else {k: v for k, v in properties.items() if k in needed}
        return {k: example(v, root, depth + 1) for k, v in wanted.items()}
    if kind == "array":
        return [example(schema.get("items", {}), root, depth + 1)] if depth < 3 else []
    if kind in ("integer", "number"):
        return max(1, int(schema.get("minimum", 1)))
    if kind == "boolean":
        return True
    if kind == "string":
        formats = {"uuid": "00000000-0000-4000-8000-000000000001", "date-time": "2026-01-01T00:00:00Z"}
        return formats.get(schema.get("format", ""), "abc")
    return {}


def prefect(document: dict[str, Any]) -> list[Base]:
    """A base request for every operation of Prefect's OpenAPI document, administration aside."""
    bases = [
        Base("POST", "/api/variables/", {"name": "v1", "value": "v", "tags": ["t"]}),
        Base("GET", "/api/variables/{id}"),
        Base("PATCH", "/api/variables/{id}", {"value": "v", "tags": ["t"]}),
        Base("DELETE", "/api/variables/{no}"),
    ]
    for path, operations in sorted(document["paths"].items()):
        if any(path.startswith(skip) for skip in PREFECT_SKIP):
            continue
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            body = example(content["schema"], document) if content else None
            parameters = operation.get("parameters", [])
            queries = tuple(p["name"] for p in parameters if p["in"] == "query")
            filled = path
            while filled.count("{") > 1:  # keep the last place; fill the others
                start, end = filled.index("{"), filled.index("}")
                filled = f"{filled[:start]}abc{filled[end + 1 :]}"
            filled = filled.replace("{id}", "{no}")
            bases.append(Base(method.upper(), f"/api{filled}", body, queries))
    return bases
