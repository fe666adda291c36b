"""Every public name, used as a service would. This is checked by mypy, and never run."""

from contextvars import ContextVar
from typing import Annotated, assert_type

import click
from chassis import (
    AlsoFrom,
    Breaker,
    BreakerState,
    Budget,
    Bulkhead,
    BulkheadFullError,
    Call,
    CallRateExceededError,
    ChassisError,
    CheckReport,
    Checks,
    CheckStatus,
    CircuitBreaker,
    CircuitOpenError,
    ConfigurationReport,
    Database,
    DeadlineExceededError,
    Dependency,
    DependencyDownError,
    DependencyError,
    Edge,
    EdgePolicy,
    Fallback,
    HardTimeout,
    HealthPaths,
    HttpApi,
    OperationalAnswer,
    OperationalEndpoint,
    OperationalRequest,
    Phase,
    Pipeline,
    Policy,
    ProblemError,
    Rate,
    Retry,
    RetryConfig,
    Rule,
    Secret,
    Service,
    ServiceSettings,
    SettingsError,
    SqlOptions,
    StartError,
    StartPhase,
    Status,
    Strength,
    Valkey,
    check_system_health,
    cli,
    correlation_id,
    get_error_tracker,
    get_performance_metrics,
    graceful_degradation,
    main,
    per_hour,
    per_minute,
    pipelines,
    remaining_s,
    retry_with_backoff,
    settings_config,
    time_limit,
    timed,
    timer,
    validate_configuration,
)
from pydantic import Field, SecretStr
from sqlalchemy import text


class Settings(ServiceSettings):
    model_config = settings_config(prefix="TYPED_")
    database_url: Annotated[SecretStr, AlsoFrom("DATABASE_URL")] = Field(description="Where it is")
    cache_url: SecretStr | None = None
    key: Secret
    longer: Annotated[SecretStr, Strength(64)]


policy = Policy(
    deadline_s=2.0,
    retry=Retry(attempts=3, budget=Budget()),
    breaker=Breaker(failures=5, open_s=3.0),
    bulkhead=Bulkhead(10, max_wait_s=1.0),
    rate=Rate(100, 1.0),
    fallback=Fallback("nothing"),
)
service = Service("typed", Settings, paths=HealthPaths(ready=("/ready",)), edge={"timeout_s": 10.0})
database = assert_type(
    service.sql("database", lambda s: s.database_url, policy=policy, options=SqlOptions(pool_size=5)), Database
)
cache = assert_type(service.valkey("cache", lambda s: s.cache_url, lost="nothing", checks=Checks()), Valkey)
api = assert_type(service.http("api", lambda _: "https://api.example.org", lost="nothing"), HttpApi)
mail = assert_type(service.call("mail", lost="mails wait"), Call)
dependencies: list[Dependency] = [database, cache, api, mail]
status: Status = database.status


@service.step("fill", StartPhase.SEED, limit_s=5.0)
async def fill() -> None:
    async with database.session() as session:
        await session.execute(text("SELECT 1"))


@mail.guard
async def send(to: str) -> bool:
    return bool(to)


async def use() -> None:
    assert_type(await send("somebody"), bool)
    await cache.client.get("key")
    await api.client.get("/")


pipeline = Pipeline("own", policy)
assert_type(pipeline.guard(len)("text"), int)
state: BreakerState = pipeline.breaker.state
listed = pipelines()
hard = HardTimeout()


@retry_with_backoff(config=RetryConfig(max_attempts=5))
def flaky() -> str:
    return "done"


@graceful_degradation(fallback_value="none")
def optional() -> str:
    return flaky()


@timed(operation_name="work", log_threshold=1.0)
def work() -> int:
    with timer("part"), time_limit(1.0):
        remaining_s()
    return 1


breaker = CircuitBreaker(failure_threshold=5, recovery_timeout=60.0)
answer: int = breaker.call(work)

edge = Edge(EdgePolicy(client_rules=(per_minute(60), per_hour(1000), Rule(5, 1.0))))


def answered(request: OperationalRequest) -> OperationalAnswer:
    return OperationalAnswer(200, request.path.encode())


service.endpoints["/version"] = OperationalEndpoint(answered)


def errors(error: Exception) -> str:
    if isinstance(error, CircuitOpenError | BulkheadFullError | CallRateExceededError | DependencyDownError):
        return error.dependency
    if isinstance(error, DeadlineExceededError | DependencyError):
        return str(error.retry_after_s)
    if isinstance(error, SettingsError):
        return error.problems[0]
    if isinstance(error, StartError):
        return error.step
    if isinstance(error, ProblemError):
        return error.detail
    return "ours" if isinstance(error, ChassisError) else "theirs"


report: CheckReport = service.check()
found: CheckStatus = report.status
valid: ConfigurationReport = validate_configuration(Settings)
phase: Phase = service.state.phase
identity: ContextVar[str] = correlation_id
overall: object = check_system_health(service)["overall_status"]
summary = get_performance_metrics().get_summary()
tracked = get_error_tracker().get_error_summary()
commands = assert_type(cli("typed:application"), click.Group)


def run() -> None:
    main("typed:application")
