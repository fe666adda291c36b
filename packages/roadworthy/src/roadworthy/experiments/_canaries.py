"""Requests that carry secrets of our own making wherever a request can carry one, and a mark that is none."""

import base64
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote

from roadworthy.domain.evidence import Exchange
from roadworthy.domain.target import fill_json, fill_text
from roadworthy.experiments.bench import Bench
from roadworthy.recording.redaction import SECRET_NAME
from roadworthy.target.instance import Instance
from roadworthy.traffic.canaries import Secret, new_secret
from roadworthy.traffic.corpus import is_excluded
from roadworthy.traffic.held import json_body
from roadworthy.traffic.openapi import example
from roadworthy.traffic.tokens import new_token

OPERATIONS = 6
JSON_TYPE = {"Content-Type": "application/json"}


@dataclass
class Canaries:
    """The secrets, one for each place in a request."""

    bearer: Secret = field(default_factory=partial(new_secret, "a bearer token in Authorization"))
    basic: Secret = field(default_factory=partial(new_secret, "a password in Basic credentials"))
    cookie: Secret = field(default_factory=partial(new_secret, "a session in Cookie"))
    key: Secret = field(default_factory=partial(new_secret, "a key in X-API-Key"))
    query: Secret = field(default_factory=partial(new_secret, "a token in the query string"))
    password: Secret = field(default_factory=partial(new_secret, "a password in the body"))
    mark: str = field(default_factory=new_token)

    @property
    def all(self) -> tuple[Secret, ...]:
        """Every secret among them."""
        return self.bearer, self.basic, self.cookie, self.key, self.query, self.password

    def headers(self, given: Mapping[str, str], *, basic: bool) -> dict[str, str]:
        """Return headers with secrets, beside those that the target needs."""
        pair = base64.b64encode(f"rw:{self.basic.value}".encode()).decode()
        ours = {
            "Authorization": f"Basic {pair}" if basic else f"Bearer {self.bearer.value}",
            "Cookie": f"session={self.cookie.value}",
            "X-API-Key": self.key.value,
            "X-Request-ID": self.mark,
        }
        taken = {name.lower() for name in given}
        return {name: value for name, value in ours.items() if name.lower() not in taken}

    def within(self, body: object) -> object:
        """Add a password to a JSON object, and put it in place of texts that are named like secrets."""
        if not isinstance(body, dict):
            return body
        named = {k: self.password.value for k, v in body.items() if isinstance(v, str) and SECRET_NAME.search(str(k))}
        return {**body, **named, "password": self.password.value}


@dataclass(frozen=True)
class Request:
    """One request; ``path`` has no secret in it yet."""

    method: str
    path: str
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    basic: bool = False


@dataclass
class Conversation:
    """What has been sent and what came back, as it came. It goes nowhere but through the search for secrets."""

    bench: Bench
    instance: Instance
    canaries: Canaries
    exchanges: list[tuple[str, Exchange]] = field(default_factory=list)  # each with its path, without the query
    statuses: Counter[str] = field(default_factory=Counter)  # of the requests that carried secrets

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Where the requests went, such as ``POST /notes``, beside what is not there, health and metrics."""
        others = (f"/{self.canaries.mark}", *health_paths(self.bench), *metrics_paths(self.bench))
        return tuple(dict.fromkeys(f"{each.method} {path}" for path, each in self.exchanges if path not in others))

    async def ask(self, request: Request, *, secretly: bool = True) -> None:
        """Send one request, with secrets unless told otherwise."""
        ours = self.canaries.headers(self.bench.spec.auth_headers, basic=request.basic) if secretly else {}
        query = f"token={quote(self.canaries.query.value, safe='')}" if secretly else ""
        path = request.path + (f"{'&' if '?' in request.path else '?'}{query}" if query else "")
        exchange = await self.instance.client.send(
            request.method, path, content=request.content, headers={**ours, **request.headers},
            purpose="carries secrets" if secretly else "shows secrets?",
        )  # fmt: skip
        self.exchanges.append((request.path.partition("?")[0], exchange))
        if secretly:
            self.statuses[str(exchange.status or exchange.answer.value)] += 1


def requests(bench: Bench, canaries: Canaries, values: Mapping[str, object]) -> Iterator[Request]:
    """Yield what is asked: the transaction, operations with a body, what is not there, health and metrics.

    ``values`` are those of an object that exists; empty when there is none.
    """
    spec = bench.spec
    yield Request("GET", f"/{canaries.mark}", headers={"X-Mark": canaries.mark})
    yield Request("GET", f"/{canaries.mark}", basic=True)
    for step in spec.transaction.steps if spec.transaction is not None else ():
        request, known = step.request, {**values, "token": new_token()}
        if step.name == "delete" or (step.name != "create" and not values):
            continue
        path = fill_text(request.path, known)
        headers = {key: fill_text(value, known) for key, value in request.headers.items()}
        if request.json is None:
            yield Request(request.method, path, request.body.encode() if request.body else None, headers)
        else:
            yield from _bodies(request.method, path, fill_json(request.json, known), canaries, headers)
    plain = [o for o in bench.baseline.operations if not o.path_parameters and not is_excluded(o, spec.exclude)]
    own = (*health_paths(bench), *metrics_paths(bench))
    for each in [o for o in plain if o.method == "GET" and o.path not in own][:OPERATIONS]:
        yield Request("GET", each.path)
    for each in [o for o in plain if o.body is not None][:OPERATIONS]:
        yield from _bodies(
            each.method, each.path, example(each.body, bench.baseline.document, new_token()), canaries, {}
        )
    for path in own:
        yield Request("GET", path)


def _bodies(method: str, path: str, body: object, canaries: Canaries, headers: Mapping[str, str]) -> Iterator[Request]:
    """Yield a body that is good but for its password, one that lacks everything else, and one that is cut off."""
    headers = {**JSON_TYPE, **headers}
    whole = json_body(canaries.within(body))
    yield Request(method, path, whole, headers)
    yield Request(method, path, json_body({"password": canaries.password.value}), headers)
    yield Request(method, path, json_body({"password": canaries.password.value})[:-1] + b", ", headers)


def health_paths(bench: Bench) -> tuple[str, ...]:
    """Return the health endpoints."""
    return tuple(each.path for each in bench.baseline.health)


def metrics_paths(bench: Bench) -> tuple[str, ...]:
    """Return the path of the metrics, or nothing."""
    return (bench.baseline.discovery.metrics,) if bench.baseline.discovery.metrics else ()
