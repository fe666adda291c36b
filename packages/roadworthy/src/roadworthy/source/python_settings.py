"""Which environment variables Python source reads through ``os.environ`` and the usual helpers, by its syntax tree.

Helpers are objects such as ``env = Env()`` (environs, django-environ) or ``config`` (decouple, starlette). They may be
made in one file and used in another.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from roadworthy.source.python_module import Module, keyword, literal
from roadworthy.source.setting import Read


@dataclass(frozen=True)
class Helper:
    """An object that reads variables when it is called. ``default_at`` is the position of the default in its call."""

    library: str
    prefix: str = ""
    default_at: int = 1
    defaults: Mapping[str, str | None] = field(default_factory=dict)  # given once for all, by variable


_HELPER_CLASSES = {
    "environs.Env": Helper("environs"),
    "environs.FileAwareEnv": Helper("environs"),
    "environ.Env": Helper("django-environ", default_at=2),
    "environ.FileAwareEnv": Helper("django-environ", default_at=2),
    "starlette.config.Config": Helper("starlette", default_at=2),
    "decouple.AutoConfig": Helper("decouple"),
    "decouple.Config": Helper("decouple"),
}
_READY_HELPERS = {"decouple.config": Helper("decouple"), "environs.env": Helper("environs")}
_FIXED_NAMES = {"db": "DATABASE_URL", "cache": "CACHE_URL", "email_url": "EMAIL_URL", "search_url": "SEARCH_URL"}
_NOT_READING = {"read_env", "read_envfile", "prefixed", "seal", "dump", "add_parser", "parser_for", "file"}
_OPEN_ENDED = {"from_prefixed_env", "Dynaconf", "FlaskDynaconf", "LazySettings"}  # read whatever has a prefix
_WITH_DEFAULT = {"os.getenv", "os.environ.get", "os.environ.pop", "os.environ.setdefault"}
_WHOLE = {"os.environ", "os.environb"}
_HARMLESS = {"os.environ.update", "os.environ.clear"}  # they write


def environment_reads(modules: Sequence[Module]) -> tuple[list[Read], list[str]]:
    """Return the reads in these modules, and the places where the variable cannot be told."""
    made = {module.file.name: helpers_made(module) for module in modules}
    shared = {(module.stem, name): helper for module in modules for name, helper in made[module.file.name].items()}
    reads: list[Read] = []
    gaps: list[str] = []
    for module in modules:
        helpers = {**_helpers_imported(module, shared), **made[module.file.name]}
        visitor = _Visitor(module, helpers)
        visitor.visit(module.tree)
        reads += visitor.reads
        gaps += visitor.gaps
    return reads, gaps


def helpers_made(module: Module) -> dict[str, Helper]:
    """Return the helpers that a module makes, by name."""
    made: dict[str, Helper] = {}
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
            continue
        helper = _HELPER_CLASSES.get(module.full_name(node.value.func))
        if helper is None:
            continue
        prefix = literal(keyword(node.value, "env_prefix")) or ""
        defaults = {
            each.arg: literal(each.value.elts[1])
            for each in node.value.keywords
            if each.arg and isinstance(each.value, ast.Tuple) and len(each.value.elts) == 2
        }
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Name):
                made[target.id] = Helper(helper.library, prefix, helper.default_at, defaults)
    return made


def _helpers_imported(module: Module, shared: Mapping[tuple[str, str], Helper]) -> dict[str, Helper]:
    """Return the helpers that a module imports. ``shared`` are those of the project, by module and name."""
    imported: dict[str, Helper] = {}
    for local, full in module.imports.items():
        source, _, name = full.rpartition(".")
        helper = _READY_HELPERS.get(full) or shared.get((source.rpartition(".")[2], name))
        if helper is not None:
            imported[local] = helper
    return imported


class _Visitor(ast.NodeVisitor):
    """Collects the reads of one module."""

    def __init__(self, module: Module, helpers: Mapping[str, Helper]) -> None:
        self._module = module
        self._helpers = helpers
        self._prefix = ""  # of an enclosing `with env.prefixed(...)`
        self._alternative: ast.expr | None = None  # b, while in the a of `a or b`
        self.reads: list[Read] = []
        self.gaps: list[str] = []

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """``os.environ["X"]``: required, unless it is being set."""
        if self._module.full_name(node.value) not in _WHOLE:
            self.generic_visit(node)
            return
        if isinstance(node.ctx, ast.Load):
            self._note(node, node.slice, "os.environ[...]", required=True)
        self.visit(node.slice)

    def visit_Compare(self, node: ast.Compare) -> None:
        """``"X" in os.environ``."""
        asks = len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn)
        if asks and self._module.full_name(node.comparators[0]) in _WHOLE:
            self._note(node, node.left, "in os.environ", required=False)
        else:
            self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """``os.getenv("X") or "default"``."""
        if isinstance(node.op, ast.Or):
            self._alternative = node.values[-1]
            self.visit(node.values[0])
            self._alternative = None
            for each in node.values[1:]:
                self.visit(each)
        else:
            self.generic_visit(node)

    def visit_With(self, node: ast.With) -> None:
        """``with env.prefixed("APP_"):``."""
        outer = self._prefix
        for item in node.items:
            call = item.context_expr
            if isinstance(call, ast.Call) and self._helper(call) and self._attribute(call) == "prefixed" and call.args:
                self._prefix += self._module.text(call.args[0]) or ""
        self.generic_visit(node)
        self._prefix = outer

    def visit_Call(self, node: ast.Call) -> None:
        """``os.getenv("X")``, ``env.str("X")``, ``option(envvar="X")`` and so on."""
        name = self._module.full_name(node.func)
        if name in _WITH_DEFAULT:
            default = node.args[1] if len(node.args) > 1 else keyword(node, "default")
            self._note(node, self._argument(node), f"{name}(...)", required=False, default=default or self._alternative)
        elif name == "dj_database_url.config":
            variable = keyword(node, "env") or ast.Constant("DATABASE_URL")
            self._note(node, variable, f"{name}(...)", required=False, default=keyword(node, "default"))
        elif helper := self._helper(node):
            self._through(helper, node)
        elif name.rpartition(".")[2] in _OPEN_ENDED:
            self.gaps.append(f"{self._module.place(node)} reads every variable with a prefix")
        elif name.endswith(".from_envvar"):
            self._note(
                node, self._argument(node), "from_envvar(...)", required=literal(keyword(node, "silent")) != "True"
            )
        if option := keyword(node, "envvar", "env_var"):
            required = literal(keyword(node, "required")) == "True"
            self._note_all(node, option, required, keyword(node, "default"))
        for each in (*node.args, *(each.value for each in node.keywords)):
            self.visit(each)
        if name not in _WITH_DEFAULT | _HARMLESS:
            self.visit(node.func)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """``os.environ`` as a whole: anything can be read from it."""
        if self._module.full_name(node) in _WHOLE:
            self.gaps.append(f"{self._module.place(node)} reads the whole environment")
        else:
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """``environ``, imported from os."""
        if isinstance(node.ctx, ast.Load) and self._module.full_name(node) in _WHOLE:
            self.gaps.append(f"{self._module.place(node)} reads the whole environment")

    def _helper(self, call: ast.Call) -> Helper | None:
        node = call.func.value if isinstance(call.func, ast.Attribute) else call.func
        return self._helpers.get(node.id) if isinstance(node, ast.Name) else None

    @staticmethod
    def _attribute(call: ast.Call) -> str:
        return call.func.attr if isinstance(call.func, ast.Attribute) else ""

    def _through(self, helper: Helper, node: ast.Call) -> None:
        method = self._attribute(node)
        if method in _NOT_READING:
            return
        variable = self._argument(node)
        if variable is None:
            if method not in _FIXED_NAMES:
                return
            variable = ast.Constant(_FIXED_NAMES[method])
        default_at = 1 if method else helper.default_at
        default = node.args[default_at] if len(node.args) > default_at else keyword(node, "default")
        name = self._module.text(variable) or ""
        required = default is None and name not in helper.defaults
        text = helper.defaults.get(name) if default is None else literal(default)
        annotation = method or self._module.full_name(cast) if (cast := keyword(node, "cast")) else method
        how = f"{helper.library} {ast.unparse(node.func)}(...)"
        prefix = helper.prefix + self._prefix
        self._note(node, variable, how, required=required, text=text, annotation=annotation, prefix=prefix)

    @staticmethod
    def _argument(call: ast.Call) -> ast.expr | None:
        return call.args[0] if call.args else keyword(call, "key", "option", "name", "var")

    def _note_all(self, node: ast.Call, option: ast.expr, required: bool, default: ast.expr | None) -> None:
        for each in option.elts if isinstance(option, ast.List | ast.Tuple) else [option]:
            self._note(node, each, "command-line option", required=required, default=default)

    def _note(
        self,
        node: ast.expr,
        variable: ast.expr | None,
        how: str,
        *,
        required: bool,
        default: ast.expr | None = None,
        text: str | None = None,
        annotation: str = "",
        prefix: str = "",
    ) -> None:
        name = self._module.text(variable)
        if isinstance(variable, ast.Constant) and name is None:
            return  # such as envvar=None
        if name is None:
            self.gaps.append(f"{self._module.place(node)} reads a variable whose name is computed")
            return
        text = literal(default) if text is None else text
        self.reads.append(Read(prefix + name, self._module.file.name, node.lineno, how, required, text, annotation))
