"""health-exists: a program can ask the service whether it is healthy."""

from collections.abc import Iterable

from roadworthy.claims._samples import exhibit
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import Discovery, EvidenceSet, HealthEndpoint
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, undecided


def judge(evidence: EvidenceSet) -> Finding:
    """Look for one endpoint that a program can read."""
    discovery = evidence.first(Discovery)
    if not discovery.health and _turns_away(discovery):
        return undecided(
            Reason.NO_CONTROL,
            f"It turns every request away: even a path that cannot exist is answered {discovery.nothing_here}.",
            "Give the inspector what it asks for: [auth] headers, or the setting that allows the host 127.0.0.1.",
            experiment=discovery.experiment,
        )
    usable = [endpoint for endpoint in discovery.health if endpoint.machine_readable]
    shown = tuple(exhibit(endpoint.sample, _shown(endpoint)) for endpoint in usable or discovery.health)
    return Finding(
        Outcome.HELD if usable else Outcome.VIOLATED,
        f"A program can read {_listed(usable)}." if usable else _none_found(discovery),
        control=discovery.owns_port,
        exhibits=(*shown, Exhibit("timeline", f"a path that cannot exist is answered {discovery.nothing_here}")),
        scope=f"{discovery.health_paths_tried} paths tried",
        experiment=discovery.experiment,
    )


def _turns_away(discovery: Discovery) -> bool:
    """Tell whether nothing at all was answered as it should be, so that a missing answer says nothing."""
    status = discovery.nothing_here.partition(" ")[0]
    return not discovery.transaction_works and (
        status in ("400", "401", "403", "421") or not status.startswith(("2", "3", "4"))
    )


def _none_found(discovery: Discovery) -> str:
    pages = f" {_listed(discovery.health)} cannot be read by a program." if discovery.health else ""
    return (
        f"None of {discovery.health_paths_tried} declared, documented or usual paths is a health endpoint.{pages} "
        "If it lives elsewhere, name it under [endpoints] in roadworthy.toml."
    )


def _listed(endpoints: Iterable[HealthEndpoint]) -> str:
    return " and ".join(_shown(endpoint) for endpoint in endpoints)


def _shown(endpoint: HealthEndpoint) -> str:
    return f"{endpoint.path} ({endpoint.sample.shown} {endpoint.content_type or 'without a content type'})"


CLAIM = Claim(
    id="health-exists",
    statement="A program can ask the service whether it is healthy.",
    refuted_title="No health endpoint that a program can read",
    severity=Severity.HIGH,
    why="""\
An orchestrator or a load balancer sends traffic to whatever accepts connections unless it has something better to
ask. Without a health endpoint a process that is up but cannot work keeps receiving requests, a rolling deploy
replaces working instances by broken ones, and the first to notice is a user.""",
    how_judged="""\
The paths that the manifest and the OpenAPI document name, and the usual ones (such as `/health`, `/healthz`,
`/ready`, `/readyz`, `/livez`, `/actuator/health`), are requested on a healthy instance.

- Holds: at least one answers 2xx, is not a web page, and differs from what a random path that cannot exist is
  answered.
- Violated: none does. The summary says how many paths were tried.
- Unproven: the process that answered is not the one that was started, or it turns every request away.""",
    false_positives="""\
Applications that answer every path with the same page look as if they had a health endpoint: an answer only counts
when it differs from the one for unknown paths. A health page in HTML is for people and does not count. An endpoint at
an unusual path is not guessed: name it in the manifest.""",
    remedies=(
        Remedy(
            "FastAPI or Starlette",
            "10 minutes",
            """\
Add a liveness endpoint that does no I/O, and a readiness endpoint beside it.

```python
@app.get("/livez", include_in_schema=False)
async def livez() -> dict[str, str]:
    return {"status": "ok"}
```
For `/readyz` see the remedies of readiness-false-when-dependency-down.""",
        ),
        Remedy(
            "Django",
            "10 minutes",
            """\
Add a plain view outside every middleware that needs a session or a database.

```python
# urls.py
path("livez", lambda request: JsonResponse({"status": "ok"})),
```
`django-health-check` gives a readiness view with database and cache checks; ask it for JSON.""",
        ),
        Remedy(
            "Express",
            "10 minutes",
            """\
Register the route before authentication and rate limiting.

```js
app.get('/livez', (req, res) => res.json({ status: 'ok' }));
```
`@godaddy/terminus` adds readiness and graceful shutdown together.""",
        ),
        Remedy(
            "Spring Boot",
            "10 minutes",
            """\
Add `spring-boot-starter-actuator` and switch the probes on.

```properties
management.endpoint.health.probes.enabled=true
```
They are then at `/actuator/health/liveness` and `/actuator/health/readiness`.""",
        ),
    ),
    requires=(Discovery,),
    judge=judge,
    references=("learnk8s production checklist: containers have readiness probes",),
)
