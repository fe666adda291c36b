"""The promises of the edge, each the same under FastAPI and under Flask, over real sockets."""

import json
import re
import threading
import time
from typing import Any

import pytest
from chassis.limits import Rule, per_hour, per_minute
from chassis.observe import tracing
from chassis.state import Phase
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

pytestmark = pytest.mark.needs("fastapi", "flask", "serve", "otel")

TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
APP = "https://app.example.org"


# -- ids


def test_a_request_has_an_id_and_a_trace_that_its_answer_and_its_context_show(service: Any) -> None:
    answer = service.ask("/ids")
    assert answer.headers["x-request-id"] == answer.json()["correlation_id"]
    assert answer.headers["traceparent"] == answer.json()["traceparent"]
    assert TRACEPARENT.fullmatch(answer.headers["traceparent"])
    assert service.ask("/ids").headers["x-request-id"] != answer.headers["x-request-id"]


def test_an_id_and_a_trace_that_were_sent_are_continued(service: Any) -> None:
    sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = service.ask("/ids", headers={"X-Request-ID": "order-17.b", "Traceparent": sent})
    assert answer.headers["x-request-id"] == answer.json()["correlation_id"] == "order-17.b"
    assert answer.headers["traceparent"].startswith(sent[:36])
    assert answer.headers["traceparent"].endswith("-01")
    assert answer.headers["traceparent"] != sent


@pytest.mark.parametrize("hostile", ["", "a b", "x" * 129, "<script>", "' OR 1=1 --", '{"a":1}', "caf\u00e9", "a\tb"])
def test_a_hostile_id_is_replaced(service: Any, hostile: str) -> None:
    answer = service.ask("/ids", headers={"X-Request-ID": hostile})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
    assert answer.json()["correlation_id"] == answer.headers["x-request-id"]


def test_nothing_of_one_request_is_left_for_the_next(service: Any) -> None:
    service.ask("/ids", headers={"X-Request-ID": "first"})
    assert service.ask("/ids").json()["correlation_id"] != "first"


# -- errors


def test_an_unhandled_exception_is_a_problem_without_internals_and_is_reported(service: Any) -> None:
    answer = service.ask("/raise/boom", headers={"X-Request-ID": "quote-me", "Origin": APP})
    members = answer.problem(500)
    assert members["correlation_id"] == "quote-me"
    assert "RuntimeError" not in answer.body.decode()
    assert answer.headers["x-content-type-options"] == "nosniff"
    [(error, about, correlation_id)] = service.errors
    assert isinstance(error, RuntimeError)
    assert error.__traceback__ is not None
    assert about["path"] == "/raise/boom"
    assert about["route"] in ("/raise/{name}", "/raise/<name>")
    assert correlation_id == "quote-me"


def test_a_problem_of_the_service_is_sent_with_all_its_members(service: Any) -> None:
    answer = service.ask("/raise/taken")
    members = answer.problem(409)
    assert members["title"] == "Taken"
    assert members["detail"] == "The title is taken."
    assert members["type"] == "https://example.org/taken"
    assert members["other"] == 7
    assert answer.headers["x-other"] == "notes/7"
    assert service.errors == []


@pytest.mark.parametrize(("name", "status", "retry_after"), [("down", 503, "7"), ("late", 504, "1")])
def test_a_dependency_that_did_not_do_its_part_is_503_or_504(
    service: Any, name: str, status: int, retry_after: str
) -> None:
    answer = service.ask(f"/raise/{name}")
    answer.problem(status)
    assert answer.headers["retry-after"] == retry_after
    assert len(service.errors) == 1


def test_errors_of_the_framework_become_problems(service: Any) -> None:
    service.ask("/nowhere").problem(404)
    answer = service.ask("/hello", "DELETE")
    answer.problem(405)
    assert "GET" in answer.headers["allow"]
    refused = service.ask("/refused")
    assert refused.problem(403)["detail"] == "Not on Sundays."
    assert refused.headers["x-day"] == "Sunday"
    assert service.ask("/refused-page").problem(410)["detail"] == "It moved & left."
    service.ask("/parsed", "POST", {"Content-Type": "application/json"}, b"{no json")
    assert service.ask("/parsed", "POST", {"Content-Type": "application/json"}, b"{no json").status in (400, 422)


def test_an_error_of_the_application_keeps_its_members_unless_it_is_a_failure_of_the_service(service: Any) -> None:
    members = service.ask("/own-error").problem(404)
    assert (members["error"], members["code"]) == ("no such note", 17)
    assert "error" not in service.ask("/own-failure").problem(502)


def test_an_error_answer_that_is_too_long_to_hold_passes_as_it_is(service: Any) -> None:
    answer = service.ask("/long-error")
    assert (answer.status, answer.headers["content-type"]) == (400, "application/json")
    assert len(answer.json()["rows"]) == 2_000
    assert answer.headers["x-request-id"]


def test_a_problem_for_head_has_headers_and_no_body(service: Any) -> None:
    answer = service.ask("/nowhere", "HEAD")
    assert (answer.status, answer.body) == (404, b"")
    assert answer.headers["content-type"] == "application/problem+json"
    raw = service.send_raw(b"HEAD /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert raw.endswith(b"\r\n\r\n")


def test_an_answer_that_breaks_off_is_seen_to_be_incomplete_and_shows_nothing(service: Any) -> None:
    raw = service.send_raw(b"GET /breaks HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"part 0" in raw
    assert not raw.endswith(b"0\r\n\r\n")
    assert b"canary" not in raw
    assert [str(error) for error, _, _ in service.errors] == ["postgresql://admin:canary-7d20@10.1.2.3/notes"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_with_problems_switched_off_errors_are_those_of_the_framework(serve: Any, kind: str) -> None:
    service = serve(kind, problem_errors=False)
    assert service.ask("/nowhere").headers["content-type"] != "application/problem+json"
    failed = service.ask("/raise/boom")
    assert (failed.status, failed.headers["content-type"] != "application/problem+json") == (500, True)


# -- the body


def test_a_body_within_the_limit_arrives_whole(serve: Any, kind: str) -> None:
    service = serve(kind, body_limit=100_000)
    assert service.ask("/length", "POST", body=b"x" * 100_000).json() == {"length": 100_000}
    chunks = iter([b"x" * 50_000] * 2)
    assert service.ask("/length", "POST", {"Transfer-Encoding": "chunked"}, chunks).json() == {"length": 100_000}


@pytest.mark.parametrize("path", ["/length", "/parsed"])
def test_a_body_over_the_limit_is_413_whether_its_length_is_said_or_not(serve: Any, kind: str, path: str) -> None:
    service = serve(kind, body_limit=100_000)
    headers = {"Content-Type": "application/json"}
    for answer in (
        service.ask(path, "POST", headers, b"x" * 100_001),
        service.ask(path, "POST", headers, b"x" * 2_000_000),
        service.ask(path, "POST", {**headers, "Transfer-Encoding": "chunked"}, iter([b"x" * 50_000] * 3)),
        service.ask(path, "POST", {**headers, "Transfer-Encoding": "chunked"}, iter([b"x" * 50_000] * 40)),
    ):
        assert "100000" in answer.problem(413)["detail"]
    assert service.errors == []
    assert service.ask("/hello").status == 200


def test_a_length_over_the_limit_is_refused_before_a_byte_of_the_body_is_read(serve: Any, kind: str) -> None:
    service = serve(kind, body_limit=10)
    began = time.monotonic()
    raw = service.send_raw(b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n")
    assert b" 413 " in raw
    assert time.monotonic() - began < 5.0


def test_without_a_limit_a_body_of_any_length_arrives(serve: Any, kind: str) -> None:
    service = serve(kind, body_limit=None)
    assert service.ask("/length", "POST", body=b"x" * 20_000_000).json() == {"length": 20_000_000}


# -- rate limits


def test_answers_say_what_is_left_of_the_budget_and_over_it_are_429(serve: Any, kind: str) -> None:
    service = serve(kind, client_rules=(per_minute(3), per_hour(1000)))
    left = [service.ask("/hello").headers["ratelimit-remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    answer = service.ask("/hello")
    members = answer.problem(429)
    assert "3 requests in 60 s" in members["detail"]
    assert 1 <= int(answer.headers["retry-after"]) <= 20
    assert (answer.headers["ratelimit-limit"], answer.headers["ratelimit-remaining"]) == ("3", "0")
    assert 55 <= int(answer.headers["ratelimit-reset"]) <= 60


def test_an_api_key_has_a_budget_of_its_own_on_top_of_that_of_its_client(serve: Any, kind: str) -> None:
    service = serve(kind, client_rules=(per_minute(100),), key_rules=(per_minute(2),))
    for key in ("alpha-canary", "beta-canary"):
        statuses = [service.ask("/hello", headers={"X-API-Key": key}).status for _ in range(3)]
        assert statuses == [200, 200, 429]
    assert service.ask("/hello").status == 200
    assert "canary" not in json.dumps(service.logged(7))
    core = service.edge.asgi(lambda *_: None)._core  # type: ignore[arg-type,return-value]
    assert "canary" not in str(core.limit_keys("192.0.2.1", {b"x-api-key": b"alpha-canary"}))


def test_everybody_together_has_a_budget_too(serve: Any, kind: str) -> None:
    service = serve(kind, client_rules=(), key_rules=(), global_rules=(Rule(2, 60.0),))
    assert [service.ask("/hello").status for _ in range(3)] == [200, 200, 429]


def test_a_forged_x_forwarded_for_gets_no_other_budget(serve: Any, kind: str) -> None:
    service = serve(kind, client_rules=(per_minute(2),))
    statuses = [service.ask("/hello", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status for n in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert {line["client"] for line in service.logged(4)} == {"127.0.0.1"}


def test_behind_a_trusted_proxy_the_last_untrusted_address_is_the_client(serve: Any, kind: str) -> None:
    service = serve(kind, client_rules=(per_minute(2),), trusted_proxies=("127.0.0.0/8", "10.0.0.0/8"))
    for forged in range(4):  # what the client puts in front does not matter
        answer = service.ask("/hello", headers={"X-Forwarded-For": f"8.8.8.{forged}, 203.0.113.9, 10.0.0.1"})
    assert answer.status == 429
    assert {line["client"] for line in service.logged(4)} == {"203.0.113.9"}
    assert service.ask("/hello", headers={"X-Forwarded-For": "203.0.113.10"}).status == 200


def test_rate_limits_can_be_shared_through_valkey(serve: Any, kind: str, valkey_url: str) -> None:
    options = {"client_rules": (per_hour(3),), "limits_url": valkey_url, "limits_prefix": f"edge:{kind}:{time.time()}:"}
    one, other = serve(kind, **options), serve(kind, **options)
    statuses = [each.ask("/hello").status for each in (one, other, one, other, one)]
    assert statuses == [200, 200, 200, 429, 429]


def test_a_store_that_cannot_be_asked_refuses_with_503_where_the_policy_is_closed(serve: Any, kind: str) -> None:
    service = serve(kind, limits_url="redis://127.0.0.1:1/0", limits_fail="closed")
    answer = service.ask("/hello")
    answer.problem(503)
    assert answer.headers["retry-after"] == "1"
    assert service.ask("/livez").status == 200


# -- capacity and drain


def test_over_capacity_is_503_and_operational_endpoints_answer_all_the_same(serve: Any, kind: str, until: Any) -> None:
    service = serve(kind, max_in_flight=2, client_rules=(), key_rules=())
    waiting = [threading.Thread(target=service.ask, args=("/wait?seconds=0.4",)) for _ in range(2)]
    for each in waiting:
        each.start()
    until(lambda: service.state.in_flight == 2)
    answer = service.ask("/hello")
    answer.problem(503)
    assert answer.headers["retry-after"] == "1"
    assert service.ask("/livez").status == 200
    for each in waiting:
        each.join()
    until(lambda: service.state.in_flight == 0)
    assert service.ask("/hello").status == 200


def test_nothing_is_left_under_way_however_requests_end(service: Any) -> None:
    for path in ("/hello", "/raise/boom", "/raise/taken", "/nowhere", "/stream", "/own-failure"):
        service.ask(path)
    service.send_raw(b"GET /breaks HTTP/1.1\r\nHost: a\r\n\r\n")
    assert len(service.logged(7)) == 7
    assert service.state.in_flight == 0


def test_a_streamed_answer_is_under_way_until_its_end(service: Any) -> None:
    assert service.ask("/stream").body == b"part 0\npart 1\npart 2\n"
    [line] = service.logged(1)
    assert line["sent"] == 21


def test_while_draining_requests_are_still_answered(service: Any) -> None:
    service.state.phase = Phase.DRAINING
    answer = service.ask("/hello")
    assert (answer.status, answer.headers.get("connection")) == (200, "close")


# -- CORS and security headers


def test_pages_of_a_named_origin_may_read_answers_errors_included(serve: Any, kind: str) -> None:
    service = serve(kind, cors_origins=(APP,), cors_credentials=True, client_rules=(per_minute(3),))
    for path in ("/hello", "/raise/boom", "/nowhere", "/limited"):
        headers = service.ask(path, headers={"Origin": APP}).headers
        assert headers["access-control-allow-origin"] == APP
        assert headers["access-control-allow-credentials"] == "true"
        assert "Retry-After" in headers["access-control-expose-headers"]
        assert "Origin" in headers["vary"]
    other = service.ask("/livez", headers={"Origin": "https://evil.example"}).headers
    assert "access-control-allow-origin" not in other
    assert "Origin" in other["vary"]


def test_a_preflight_is_answered_by_the_edge_and_costs_no_budget(serve: Any, kind: str) -> None:
    service = serve(kind, cors_origins=(APP,), client_rules=(per_minute(1),))
    asked = {"Origin": APP, "Access-Control-Request-Method": "PUT"}
    for _ in range(3):
        answer = service.ask(
            "/hello", "OPTIONS", {**asked, "Access-Control-Request-Headers": "content-type, X-API-Key"}
        )
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == APP
        assert "PUT" in answer.headers["access-control-allow-methods"]
        assert "x-api-key" in answer.headers["access-control-allow-headers"]
        assert answer.headers["access-control-max-age"] == "600"
    for forbidden in (
        {**asked, "Origin": "https://evil.example"},
        {**asked, "Access-Control-Request-Method": "TRACE"},
        {**asked, "Access-Control-Request-Headers": "x-evil"},
    ):
        service.ask("/hello", "OPTIONS", forbidden).problem(403)
    assert service.ask("/hello").status == 200


def test_any_page_may_read_answers_where_all_origins_are_allowed(serve: Any, kind: str) -> None:
    service = serve(kind, cors_origins=("*",))
    headers = service.ask("/hello", headers={"Origin": "https://anyone.example"}).headers
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers
    assert "access-control-allow-origin" not in service.ask("/hello").headers


def test_without_origins_cors_is_left_to_the_application(service: Any) -> None:
    assert service.ask("/own-headers").headers["access-control-allow-origin"] == "*"
    assert service.ask("/hello", "OPTIONS", {"Origin": APP, "Access-Control-Request-Method": "GET"}).status != 204


def test_answers_carry_security_headers_unless_the_application_knows_better(serve: Any, kind: str) -> None:
    service = serve(kind, cors_origins=(APP,))
    headers = service.ask("/hello").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "strict-transport-security" not in headers
    page = service.ask("/page").headers["content-security-policy"]
    assert "default-src" not in page
    assert "frame-ancestors 'none'" in page
    own = service.ask("/own-headers", headers={"Origin": APP}).headers
    assert own["content-security-policy"] == "default-src 'self'"
    assert own["access-control-allow-origin"] == APP
    assert "mine" not in own["x-request-id"]


def test_what_answers_vary_by_is_added_to_and_not_replaced(serve: Any) -> None:
    service = serve(vary_app, cors_origins=(APP,))
    assert service.ask("/", headers={"Origin": APP}).headers["vary"] == "Accept, Origin"


async def vary_app(scope: Any, _: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"vary", b"Accept")]})
        await send({"type": "http.response.body", "body": b""})


def test_https_by_a_trusted_proxy_is_to_be_kept_to(serve: Any, kind: str) -> None:
    trusting = serve(kind, trusted_proxies=("127.0.0.1",))
    assert trusting.ask("/hello", headers={"X-Forwarded-Proto": "https"}).headers["strict-transport-security"]
    assert "strict-transport-security" not in trusting.ask("/hello", headers={"X-Forwarded-Proto": "http"}).headers
    assert "strict-transport-security" not in serve(kind).ask("/hello", headers={"X-Forwarded-Proto": "https"}).headers


# -- operational endpoints


def test_operational_endpoints_are_answered_before_limits_and_are_not_logged(serve: Any, kind: str) -> None:
    service = serve(kind, client_rules=(per_minute(1),), max_in_flight=0)
    for _ in range(5):
        answer = service.ask("/livez?verbose=1")
        assert answer.json() == {"status": "ok"}
        assert answer.headers["x-asked"] == "/livez?verbose=1"
        assert answer.headers["x-request-id"]
    assert service.ask("/livez", "HEAD").body == b""
    assert service.ask("/livez", "POST").problem(405)
    assert service.ask("/livez", "POST").headers["allow"] == "GET, HEAD"
    assert service.ask("/metrics").body != b"MainThread"
    service.ask("/broken").problem(500)
    assert len(service.errors) == 1
    assert service.lines == service.records == []


# -- the access log and metrics


def test_each_request_is_logged_and_recorded_once_with_its_template(service: Any) -> None:
    service.ask("/notes/7?token=canary-1a2b", headers={"X-Request-ID": "seven"})
    service.ask("/notes/8")
    service.ask("/nowhere/9")
    service.ask("/hello", "PURGE")
    templates = ["/notes/{name}", "/notes/{name}", "unmatched", "/hello"]
    lines = service.logged(4)
    assert [line["route"].replace("<", "{").replace(">", "}") for line in lines][:3] == templates[:3]
    assert [(method, status) for method, _, status, _ in service.records] == [
        ("GET", 200),
        ("GET", 200),
        ("GET", 404),
        ("OTHER", 405),
    ]
    first = lines[0]
    assert (first["method"], first["path"], first["status"], first["client"]) == ("GET", "/notes/7", 200, "127.0.0.1")
    assert first["correlation_id"] == "seven"
    assert 0 < first["seconds"] < 5
    assert first["sent"] > 0
    assert "canary" not in json.dumps(lines)


def test_a_log_that_fails_costs_no_answer(serve: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = serve(kind)

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(service, "observe", fail)
    assert service.ask("/hello").status == 200
    assert service.ask("/raise/boom").status == 500


def test_the_deadline_is_known_to_what_a_request_calls(serve: Any, kind: str) -> None:
    assert 0 < serve(kind, timeout_s=30.0).ask("/ids").json()["remaining_s"] <= 30
    assert serve(kind, timeout_s=None).ask("/ids").json()["remaining_s"] is None


@pytest.mark.parametrize(("sent", "most"), [("1500", 1.5), ("99999999", 30.0), ("soon", 30.0), ("-1", 30.0)])
def test_a_caller_that_waits_less_long_shortens_the_deadline(serve: Any, kind: str, sent: str, most: float) -> None:
    answer = serve(kind, timeout_s=30.0).ask("/ids", headers={"X-Request-Timeout-Ms": sent})
    assert most - 1.0 < answer.json()["remaining_s"] <= most


def test_where_tracing_is_on_a_request_is_a_span_that_the_answer_names(serve: Any, kind: str) -> None:
    exporter = InMemorySpanExporter()
    service = serve(kind, client_rules=())
    tracing.start("notes", exporter=exporter)
    try:
        sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        answer = service.ask("/notes/7", headers={"Traceparent": sent})
        service.ask("/raise/boom")
        service.logged(2)
    finally:
        tracing.stop()
    good, failed = exporter.get_finished_spans()
    assert good.name.replace("<", "{").replace(">", "}") == "GET /notes/{name}"
    assert f"{good.context.trace_id:032x}" == sent[3:35]
    assert f"{good.parent.span_id:016x}" == sent[36:52]
    assert answer.headers["traceparent"] == f"00-{sent[3:35]}-{good.context.span_id:016x}-01"
    assert good.attributes["http.response.status_code"] == 200
    assert failed.attributes["http.response.status_code"] == 500
    assert "canary" not in failed.to_json()


def test_switched_off_ids_are_neither_taken_nor_sent(serve: Any, kind: str) -> None:
    answer = serve(kind, request_ids=False).ask("/ids", headers={"X-Request-ID": "mine"})
    assert answer.json()["correlation_id"] == ""
    assert "x-request-id" not in answer.headers


def test_switched_off_security_headers_are_not_sent(serve: Any, kind: str) -> None:
    assert "x-content-type-options" not in serve(kind, security_headers=False).ask("/hello").headers
