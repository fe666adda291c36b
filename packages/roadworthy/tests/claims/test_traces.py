"""The grammars of stack traces: what they find, what they leave alone, and that hostile bodies cost no time."""

import html
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roadworthy.claims._traces import find_trace

TRACES = {
    "Python": (
        'Traceback (most recent call last):\n  File "/app/api.py", line 12, in <module>\n    run()\n'
        '  File "/app/store.py", line 40, in run\n    raise ValueError\nValueError: no\n'
    ),
    "JavaScript": (
        "Error: no\n    at Object.<anonymous> (/app/server.js:12:9)\n    at Layer.handle [as handle_request] "
        "(/app/node_modules/express/lib/router/layer.js:95:5)\n    at node:internal/main/run_main_module:23:47"
    ),
    "Java": (
        "java.lang.IllegalStateException: no\r\n\tat com.example.ItemController.create(ItemController.java:42)\r\n"
        "\tat java.base/jdk.internal.reflect.DirectMethodHandleAccessor.invoke(DirectMethodHandleAccessor.java:103)\r\n"
    ),
    "Go": (
        "goroutine 18 [running]:\nmain.create(0xc0000b6000)\n\t/app/main.go:31 +0x1f\n"
        "net/http.HandlerFunc.ServeHTTP(...)\n\t/usr/local/go/src/net/http/server.go:2136 +0x29\n"
    ),
    "Ruby": "app/items.rb:12:in `create'\napp/router.rb:40:in 'block in call'\n",
    "PHP": "#0 /app/src/Items.php(12): Items->create()\n#1 /app/public/index.php(40): App->run()\n#2 {main}",
    ".NET": (
        "System.InvalidOperationException: no\n   at Api.Items.Create(Item item) in /src/Items.cs:line 12\n"
        "   at Microsoft.AspNetCore.Mvc.ControllerBase.Invoke(Object target)\n"
    ),
    "Rust": (
        "stack backtrace:\n   0: api::create\n             at /app/src/main.rs:12:5\n   1: core::ops::call\n"
        "             at /rustc/abc/library/core/src/ops/function.rs:250:5\n"
    ),
    "structured": json.dumps(
        {"trace": [{"file": "/app/Items.php", "line": 12, "function": "create"}, {"file": "/app/a.php", "line": 4}]}
    ),
}


@pytest.mark.parametrize("language", TRACES)
@pytest.mark.parametrize("wrap", ["plain", "json", "html", "html with breaks"])
def test_finds_a_trace_however_it_is_wrapped(language: str, wrap: str) -> None:
    trace = TRACES[language]
    body = {
        "plain": trace,
        "json": json.dumps({"detail": trace}),
        "html": f"<html><body><pre>{html.escape(trace)}</pre></body></html>",
        "html with breaks": f"<pre>{html.escape(trace)}</pre>".replace("\n", "<br>\n").replace("  ", " &nbsp;"),
    }[wrap]
    if language == "structured" and wrap == "json":
        body = json.dumps({"detail": json.loads(trace)}, indent=2)
    if language == "Go" and wrap == "html with breaks":
        body = body.replace("<br>\n\t", "<br>\n\t")
    found = find_trace(body)
    assert found is not None
    assert found.language == language
    assert found.frames >= 2


@pytest.mark.parametrize(
    "page",
    [
        "<title>ValueError: no // Werkzeug Debugger</title>",
        '<div id="browserTraceback"><ul class="traceback">',
        '<div id="Application-Trace-0">',
    ],
)
def test_finds_the_page_of_a_debugger(page: str) -> None:
    assert find_trace(page) is not None


@pytest.mark.parametrize(
    "body",
    [
        "",
        '{"detail": "internal error", "request_id": "4f1c"}',
        '  File "/app/api.py", line 12, in create',  # one frame is not enough
        "at 12:30:45 and again at 13:30:45",
        '{"errors": [{"line": 3, "column": 4}, {"line": 9, "column": 1}]}',
        "invalid value at items.0.title (expected string)\n  at items.1.title (expected string)",
        "#1 first point (12): see #2 second point (40):",
        "See main.go:12 and server.go:40 in the documentation",
        "meet me at example.com(ask for Jo) or at example.org(ask for Al)",
        "<p>You are seeing this because DEBUG = True; the URLconf has these patterns</p>",
    ],
)
def test_leaves_ordinary_answers_alone(body: str) -> None:
    assert find_trace(body) is None


@pytest.mark.timeout(20)  # 64 KiB each; a pattern that backtracks would take minutes
@pytest.mark.parametrize(
    "piece", ["[", "a", " ", "\n", "<", '"file": "', "at ", "at a.", "#1 ", "\t", "\\n", 'File "', "&lt;"]
)
def test_hostile_bodies_cost_little_time(piece: str) -> None:
    assert find_trace((piece * 65_536)[:65_536]) is None


@given(st.text(max_size=300))
def test_never_raises(body: str) -> None:
    find_trace(body)
