"""The manifest: what it says, how it is refused, and that it survives being written down."""

import re
import tomllib
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roadworthy.domain.inspection import Waiver
from roadworthy.domain.target import (
    STEP_NAMES,
    Bounds,
    ConfigurationSpec,
    DependencySpec,
    EndpointsSpec,
    RequestSpec,
    StepSpec,
    TargetSpec,
    TransactionSpec,
)
from roadworthy.target.manifest import Manifest, ManifestError, read_manifest, write_manifest
from roadworthy.target.manifest_document import known_keys
from roadworthy.target.manifest_writer import render_manifest
from roadworthy.target.toml_lines import key_lines, line_of

DOCUMENTATION = Path(__file__).parents[4] / "docs" / "manifest.md"
MINIMAL = '[target]\ncommand = "serve"\n'


def read(folder: Path, text: str) -> Manifest:
    (folder / "roadworthy.toml").write_text(text, encoding="utf-8")
    return read_manifest(folder)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ManifestError) as caught:
        read(folder, text)
    return str(caught.value)


def examples() -> list[str]:
    return re.findall(r"```toml\n(.*?)```", DOCUMENTATION.read_text(encoding="utf-8"), re.DOTALL)


def test_a_command_is_all_that_is_needed(tmp_path: Path) -> None:
    target = read(tmp_path, MINIMAL).target
    assert target == TargetSpec(name=tmp_path.name, directory=tmp_path.resolve(), command=("serve",))


def test_the_documented_example_says_what_it_shows(tmp_path: Path) -> None:
    manifest = read(tmp_path, examples()[0])
    target = manifest.target
    assert target.command == ("python", "-m", "uvicorn", "bookings.app:app", "--port", "{port}")
    assert target.setup == (("python", "-m", "bookings.migrate"),)
    assert target.environment["UPLOADS"] == "{data}/uploads"
    assert target.dependencies == (
        DependencySpec("database", "postgresql", "DATABASE_URL", "{database.url}", "postgresql+psycopg"),
        DependencySpec("mail", "tcp", "SMTP_SERVER", "{mail.host}:{mail.port}", url="tcp://127.0.0.1:1025"),
    )
    assert target.endpoints == EndpointsSpec("/ready", "/live", "/health", "/metrics", "/openapi.json")
    assert target.transaction is not None
    assert [step.name for step in target.transaction.steps] == list(STEP_NAMES)
    create, read_step, _, delete = target.transaction.steps
    assert create.request.json == {"name": "room {token}", "seats": 4}
    assert (create.status, create.capture) == ((201,), {"id": "/id"})
    assert read_step.contains == "{token}"
    assert (delete.request.method, delete.request.path) == ("DELETE", "/rooms/{id}")
    assert target.auth_headers == {"Authorization": "Bearer only-for-inspections"}
    assert target.slow == RequestSpec("GET", "/reports/yearly")
    assert (target.exclude, target.operations) == (("GET /status/{code}",), ("POST /import",))
    assert [each.dependencies for each in target.configurations] == [None, ("mail",)]
    assert manifest.profile == "standard"
    (waiver,) = manifest.waivers
    assert isinstance(waiver, Waiver)
    assert waiver.until == date(2030, 12, 31)
    line = (tmp_path / "roadworthy.toml").read_text().splitlines()[manifest.claim_lines["logs-structured"] - 1]
    assert line.startswith("[[waivers]]")


def test_every_documented_example_is_accepted(tmp_path: Path) -> None:
    assert len(examples()) == 2
    for text in examples():
        read(tmp_path, text)


TABLES = [
    (), ("target",), ("dependencies", "x"), ("endpoints",), ("transaction",), ("auth",), ("slow",), ("inspection",),
    *(("transaction", step) for step in STEP_NAMES), ("configurations", "x"), ("bounds",), ("waivers", 0),
]  # fmt: skip


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_every_key_that_is_accepted_is_in_the_documentation(table: tuple[str | int, ...]) -> None:
    text = DOCUMENTATION.read_text(encoding="utf-8")
    keys = known_keys(table)
    assert keys
    assert [key for key in keys if not re.search(rf"\b{key}\b", text)] == []


def test_the_documented_bounds_are_the_defaults() -> None:
    bounds = tomllib.loads(examples()[0])["bounds"]
    assert bounds == {each.name: getattr(Bounds(), each.name) for each in fields(Bounds)}


def test_a_configuration_overrides_the_environment_and_leaves_dependencies_out(tmp_path: Path) -> None:
    target = read(tmp_path, examples()[0]).target
    sqlite = target.configured(target.configurations[1])
    assert sqlite.environment["DATABASE_URL"] == "sqlite:///{data}/bookings.db"
    assert sqlite.environment["SECRET_KEY"] == target.environment["SECRET_KEY"]
    assert [each.name for each in sqlite.dependencies] == ["mail"]
    assert target.configured(target.configurations[0]).dependencies == target.dependencies


def test_a_command_in_one_string_is_split_like_a_shell_does(tmp_path: Path) -> None:
    target = read(tmp_path, """[target]\ncommand = "serve --title 'two words' --port {port}"\n""").target
    assert target.command == ("serve", "--title", "two words", "--port", "{port}")


def test_redis_is_another_name_for_valkey(tmp_path: Path) -> None:
    text = MINIMAL + '[dependencies.cache]\nkind = "redis"\nvariable = "REDIS_URL"\n'
    (cache,) = read(tmp_path, text).target.dependencies
    assert (cache.kind, cache.url_scheme, cache.template) == ("valkey", "redis", "{cache.url}")


REFUSED = {
    "no target": ("[endpoints]\n", 1, "[target]: expected this table, found none. Add [target]"),
    "unknown key": ("[target]\ncomand = 'a'\ncommand = 'b'\n", 2, "[target] comand: expected a known key"),
    "did you mean": ("[target]\ncomand = 'a'\ncommand = 'b'\n", 2, "Did you mean command?"),
    "unknown table": (MINIMAL + "[endpoint]\n", 3, "Did you mean endpoints?"),
    "unknown key in a family": (MINIMAL + "[dependencies.a]\nkind='tcp'\nvariabel='A'\n", 5, "Did you mean variable?"),
    "unknown key in a step": (MINIMAL + "[transaction.read]\npaht='/'\n", 4, "Did you mean path?"),
    "empty command": ("[target]\ncommand = []\n", 2, "expected a program and its arguments, found nothing"),
    "open quotation": ('[target]\ncommand = "a \'b"\n', 2, "expected a command line, found No closing quotation"),
    "numbers in a command": ("[target]\ncommand = ['a', 1]\n", 2, "expected a list of strings, or one string"),
    "setup is no list": (MINIMAL + "setup = 'a'\n", 3, "[target] setup: expected a list, found a string"),
    "quoted port": (MINIMAL + "port = '80'\n", 3, "expected a whole number, found a string: '80'"),
    "impossible port": (MINIMAL + "port = 70000\n", 3, "expected a number of at most 65535, found a number: 70000"),
    "true is no port": (MINIMAL + "port = true\n", 3, "expected a whole number, found a boolean: true"),
    "untold port": (MINIMAL + "port_variable = ''\n", 3, "expected a way to tell the target its port"),
    "missing folder": (MINIMAL + "directory = 'nowhere'\n", 3, "expected a folder that exists, found 'nowhere'"),
    "unknown placeholder": ("[target]\ncommand = 'a {prot}'\n", 2, "found {prot}. Known are {data}, {port}"),
    "lone brace": ("[target]\ncommand = 'a {'\n", 2, 'found a lone "{"; write "{{"'),
    "number in the environment": (MINIMAL + "[environment]\nA = 1\n", 4, "[environment] A: expected a string"),
    "bad variable": (MINIMAL + "[environment]\n'A=B' = ''\n", 3, "expected the name of an environment variable"),
    "unknown kind": (MINIMAL + "[dependencies.d]\nkind='postgres'\nvariable='D'\n", 4, "Did you mean postgresql?"),
    "no kind": (MINIMAL + "[dependencies.d]\nvariable='D'\n", 3, "[dependencies.d] kind: expected a value, found none"),
    "unreachable dependency": (MINIMAL + "[dependencies.d]\nkind='valkey'\n", 3, "tell the target where it is"),
    "value alone": (MINIMAL + "[dependencies.d]\nkind='valkey'\nvalue='{d.url}'\n", 5, "expected a variable too"),
    "tcp without url": (MINIMAL + "[dependencies.d]\nkind='tcp'\nvariable='D'\n", 3, 'a url, as kind is "tcp"'),
    "tcp without port": (
        MINIMAL + "[dependencies.d]\nkind='tcp'\nvariable='D'\nurl='tcp://127.0.0.1'\n",
        6,
        "expected a url with a scheme, a host and a port",
    ),
    "bad name": (MINIMAL + "[dependencies.'a b']\nkind='valkey'\nvariable='D'\n", 3, "expected a name of letters"),
    "two sources": (
        MINIMAL + "[environment]\nD = ''\n[dependencies.d]\nkind='valkey'\nvariable='D'\n",
        7,
        "found D, which [environment] sets too",
    ),
    "relative path": (MINIMAL + "[endpoints]\nhealth = 'health'\n", 4, 'expected a path such as "/health"'),
    "create without read": (MINIMAL + "[transaction.create]\npath='/{token}'\n", 3, "expected a read, found none"),
    "stateless with steps": (
        MINIMAL + "[transaction]\nstateless = true\n[transaction.read]\npath='/'\n",
        4,
        "expected stateless = true or steps, found both",
    ),
    "unknown captured name": (
        MINIMAL + "[transaction.create]\npath='/'\nbody='{token}'\n[transaction.read]\npath='/{id}'\n",
        7,
        "found {id}. Known are {token}",
    ),
    "no token": (
        MINIMAL + "[transaction.create]\npath='/'\n[transaction.read]\npath='/1'\n",
        3,
        "[transaction] create: expected a {token} in the create",
    ),
    "capture in a read": (MINIMAL + "[transaction.read]\npath='/'\ncapture={a='/a'}\n", 5, "expected a known key"),
    "bad pointer": (MINIMAL + "[transaction.create]\npath='/'\ncapture={a='a'}\n", 5, "JSON pointers"),
    "two bodies": (MINIMAL + "[slow]\npath='/'\njson=1\nbody='1'\n", 6, "expected json or body, found both"),
    "date in json": (MINIMAL + "[slow]\npath='/'\njson={a=2026-01-01}\n", 5, "Put dates in quotation marks"),
    "bad method": (MINIMAL + "[slow]\npath='/'\nmethod='FETCH'\n", 5, "expected one of GET, POST"),
    "bad status": (MINIMAL + "[transaction.read]\npath='/'\nstatus=[99]\n", 5, "[transaction.read] status: expected"),
    "bad header": (MINIMAL + "[auth]\nheaders = { 'a b' = '' }\n", 4, "expected the name of a header"),
    "header of two lines": (MINIMAL + "[auth]\nheaders = { a = '''\n\n\n''' }\n", 4, "header values of one line"),
    "unknown profile": (MINIMAL + "[inspection]\nprofile = 'standart'\n", 4, "Did you mean standard?"),
    "bad operation": (MINIMAL + "[inspection]\nexclude = ['/x']\n", 4, "expected a method and a path"),
    "unknown dependency": (MINIMAL + "[configurations.a]\ndependencies = ['d']\n", 4, "found 'd'. Known are none"),
    "overridden dependency": (
        MINIMAL + "[dependencies.d]\nkind='valkey'\nvariable='D'\n[configurations.a.environment]\nD = ''\n",
        7,
        "found D, which [dependencies.d] sets",
    ),
    "dependency left out but asked for": (
        "[target]\ncommand='a {d.url}'\n[dependencies.d]\nkind='valkey'\n[configurations.a]\ndependencies=[]\n",
        6,
        "found a template that asks for d",
    ),
    "negative bound": (MINIMAL + "[bounds]\nstop_s = -1\n", 4, "expected a number above 0, found a number: -1"),
    "endless bound": (MINIMAL + "[bounds]\nstop_s = inf\n", 4, "expected a finite number"),
    "empty reason": (
        MINIMAL + "[[waivers]]\nclaim='a'\nreason=' '\nowner='b'\nuntil=2026-01-01\n",
        5,
        "[[waivers]] reason: expected a text that is not empty",
    ),
    "quoted date": (
        MINIMAL + "[[waivers]]\nclaim='a'\nreason='r'\nowner='b'\nuntil='2026-01-01'\n",
        7,
        "Write it such as 2026-12-31, without quotation marks",
    ),
    "two waivers for a claim": (
        MINIMAL + "[[waivers]]\nclaim='a'\nreason='r'\nowner='b'\nuntil=2026-01-01\n" * 2,
        9,
        "found a second for a",
    ),
}


@pytest.mark.parametrize(("text", "line", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_is_refused_with_its_line_and_the_next_step(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    about = [each for each in refusal(tmp_path, text).splitlines() if says in each]
    assert about, refusal(tmp_path, text)
    assert about[0].startswith(f"roadworthy.toml:{line}: ")
    assert about[0].endswith((".", "?"))


def test_all_errors_are_reported_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = (
        "[target]\ncommand = 1\nport = 'x'\n[environment]\nA = 1\n[dependencies.d]\nkind = 'x'\n"
        "[transaction]\nread = { path = 'x', contain = '' }\n[bounds]\nstart = 1\n[[waivers]]\nclaim = 'a'\n"
    )
    lines = [int(each.split(":")[1]) for each in refusal(tmp_path, text).splitlines()]
    assert lines == sorted(lines)
    assert set(lines) == {2, 3, 5, 6, 7, 8, 9, 11, 12}


def test_values_that_may_be_secrets_are_never_shown(tmp_path: Path) -> None:
    secret = "hunter2"
    text = (
        f"[target]\ncommand = ['serve', '{{{secret}', '{secret}']\nsetup = ['{secret} {{']\n"
        f"[environment]\nA = ['{secret}']\nB = '{secret}{{'\nC = '{{{secret}}}'\n"
        f"[dependencies.d]\nkind = 'valkey'\nurl = '{secret}'\nvalue = ['{secret}']\n"
        f"[auth]\nheaders = {{ Authorization = ['{secret}'], X = '''{secret}\n''' }}\n"
        f"[slow]\npath = '/'\nheaders = '{secret}'\nbody = ['{secret}']\n"
        f"[configurations.c]\nenvironment = {{ A = ['{secret}'], B = '{secret}}}' }}\n"
    )
    said = refusal(tmp_path, text)
    assert len(said.splitlines()) >= 10
    assert secret not in said


def test_invalid_toml_is_reported_with_the_line_of_the_parser(tmp_path: Path) -> None:
    assert refusal(tmp_path, "[target]\ncommand = \n").startswith("roadworthy.toml:2: not valid TOML: Invalid value.")
    assert refusal(tmp_path, "[target]\n\n[oops").startswith("roadworthy.toml:3: not valid TOML: ")
    assert refusal(tmp_path, "a = " + "[" * 100_000).startswith("roadworthy.toml:1: ")


def test_a_manifest_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="roadworthy init"):
        read_manifest(tmp_path)
    (tmp_path / "roadworthy.toml").write_bytes(b"\xff\xfe[\0")
    with pytest.raises(ManifestError, match="Save it as UTF-8"):
        read_manifest(tmp_path)


def test_an_existing_manifest_is_never_overwritten(tmp_path: Path) -> None:
    target = read(tmp_path, MINIMAL).target
    with pytest.raises(ManifestError, match="exists already, and is left as it is"):
        write_manifest(target, tmp_path / "roadworthy.toml")
    assert (tmp_path / "roadworthy.toml").read_text() == MINIMAL


def test_a_written_manifest_says_where_each_value_came_from(tmp_path: Path) -> None:
    target = replace(
        read(tmp_path, MINIMAL).target,
        dependencies=(DependencySpec("database", "postgresql", "DATABASE_URL"),),
        origins={"target.command": "from the command line", "dependencies.database": "settings.py:12\nreads it"},
    )
    lines = render_manifest(target, tmp_path).splitlines()
    assert lines[lines.index('command = ["serve"]') - 1] == "# from the command line"
    assert lines[lines.index("[dependencies.database]") - 1] == "# settings.py:12 reads it"


def test_null_in_a_json_body_is_kept_as_text_because_toml_has_none(tmp_path: Path) -> None:
    slow = RequestSpec("POST", "/", json={"a": None})
    target = replace(read(tmp_path, MINIMAL).target, slow=slow)
    (tmp_path / "roadworthy.toml").unlink()
    write_manifest(target, tmp_path / "roadworthy.toml")
    assert read_manifest(tmp_path).target.slow == RequestSpec(
        "POST", "/", {"Content-Type": "application/json"}, body='{"a": null}'
    )


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0{}")
words = st.text(characters, max_size=12)
filled = st.text(characters, min_size=1, max_size=12).filter(str.strip)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,7}", fullmatch=True)
paths = st.from_regex(r"/[a-z0-9/._%?=&\"'#-]{0,12}", fullmatch=True)
header_values = words.map(lambda text: re.sub(r"[\r\n]", "", text))
headers = st.dictionaries(st.from_regex(r"[A-Za-z-]{1,8}", fullmatch=True), header_values, max_size=2)
commands = st.builds(lambda program, rest: (program, *rest), filled, st.lists(words, max_size=3))
numbers = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
bodies = st.one_of(json_values.map(lambda value: {"json": value}), words.map(lambda text: {"body": text}), st.just({}))
requests = st.builds(
    lambda method, path, sent, body: RequestSpec(method, path, sent, **body),
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    paths,
    headers,
    bodies,
)


@st.composite
def transactions(draw: st.DrawFn) -> TransactionSpec:
    capture = draw(st.dictionaries(st.from_regex(r"[a-z]{1,4}", fullmatch=True), paths, max_size=2))
    statuses = st.lists(st.integers(100, 599), max_size=2).map(tuple)
    later = draw(st.lists(st.sampled_from(STEP_NAMES[2:]), unique=True).map(sorted))
    steps = [StepSpec("create", draw(requests), draw(statuses), capture)]
    steps += [StepSpec("read", draw(requests), draw(statuses), contains=draw(words))]
    steps += [StepSpec(name, draw(requests), draw(statuses)) for name in reversed(later)]
    return TransactionSpec(tuple(steps))


@st.composite
def targets(draw: st.DrawFn, directory: Path) -> TargetSpec:
    dependency_names = draw(st.lists(names, max_size=3, unique=True))
    dependencies = tuple(
        DependencySpec(
            name,
            kind := draw(st.sampled_from(["postgresql", "valkey", "tcp"])),
            f"VARIABLE_{index}",
            draw(st.sampled_from(["", f"x{{{name}.host}}:{{{name}.port}}", "{{literal}}"])),
            draw(st.sampled_from(["", "postgresql+asyncpg"])),
            "tcp://127.0.0.1:9" if kind == "tcp" else draw(st.sampled_from(["", "a://b:c@localhost:1/d"])),
        )
        for index, name in enumerate(dependency_names)
    )
    environments = st.dictionaries(names, words, max_size=3)
    transaction = draw(st.none() | transactions())
    return TargetSpec(
        name=draw(filled.map(str.strip)),
        directory=directory,
        command=draw(commands),
        setup=tuple(draw(st.lists(commands, max_size=2))),
        port=draw(st.none() | st.integers(1, 65535)),
        port_variable=draw(names),
        environment=draw(environments),
        dependencies=dependencies,
        endpoints=EndpointsSpec(*draw(st.lists(st.just("") | paths, min_size=5, max_size=5))),
        transaction=transaction,
        stateless=transaction is None and draw(st.booleans()),
        auth_headers=draw(headers),
        slow=draw(st.none() | requests),
        exclude=tuple(draw(st.lists(st.just("GET /status/{code}"), max_size=1))),
        operations=tuple(draw(st.lists(st.just("POST /import"), max_size=1))),
        configurations=tuple(
            ConfigurationSpec(
                name,
                draw(environments),
                draw(st.none() | st.lists(st.sampled_from(dependency_names), unique=True).map(tuple))
                if dependency_names
                else None,
            )
            for name in draw(st.lists(names, max_size=2, unique=True))
        ),
        bounds=Bounds(*draw(st.lists(st.floats(0.001, 1e6), min_size=7, max_size=7))),
        origins=draw(st.dictionaries(st.sampled_from(["target.command", "environment", "slow"]), words)),
    )


@given(data=st.data())
def test_a_target_that_is_written_down_is_read_back_the_same(data: st.DataObject, tmp_path_factory: object) -> None:
    folder: Path = tmp_path_factory.mktemp("manifest")  # type: ignore[attr-defined]
    target = data.draw(targets(folder.resolve()))
    write_manifest(target, folder / "roadworthy.toml")
    assert read_manifest(folder).target == replace(target, origins={})


@given(target=targets(Path("/srv/x")), indent=st.sampled_from(["", "  "]), newline=st.sampled_from(["\n", "\r\n"]))
def test_every_key_is_found_on_its_line(target: TargetSpec, indent: str, newline: str) -> None:
    text = newline.join(indent + each for each in render_manifest(target, Path("/srv/x")).split("\n"))
    lines = key_lines(text)
    shown = text.split(newline) if newline == "\r\n" else text.split("\n")
    for table, values in tomllib.loads(text).items():
        for key, value in values.items():
            line = shown[line_of(lines, (table, key)) - 1].strip()
            if line.startswith("["):
                assert line.strip("[]").split(".")[:2] == [table, key] or f'."{key}' in line
            else:
                assert tomllib.loads(line).get(key) == value


def test_lines_are_found_past_long_values_dotted_keys_and_arrays_of_tables() -> None:
    text = (
        "# a comment = 1\n"
        'a.b = """\nnot = 1\n[no]\n"""\n'  # 2..5
        "c = [ # ] \n  '#', \"]\",\n]\n"  # 6..8
        "d = { e = '}', f = [1] }\n"  # 9
        '[ "x.y" . z ]\n'  # 10
        "k = 1\n"
        "[[w]]\nk = 1\n"  # 12, 13
        "[w.sub]\nk = 1\n"  # 14, 15
        "[[w]]\nk = '''''x'''''\nl = 1\n"  # 16, 17, 18
    )
    tomllib.loads(text)
    lines = key_lines(text)
    assert lines == {
        (): 1,
        ("a",): 2,
        ("a", "b"): 2,
        ("c",): 6,
        ("d",): 9,
        ("x.y",): 10,
        ("x.y", "z"): 10,
        ("x.y", "z", "k"): 11,
        ("w",): 12,
        ("w", 0): 12,
        ("w", 0, "k"): 13,
        ("w", 0, "sub"): 14,
        ("w", 0, "sub", "k"): 15,
        ("w", 1): 16,
        ("w", 1, "k"): 17,
        ("w", 1, "l"): 18,
    }
    assert line_of(lines, ("d", "f", 0)) == 9
