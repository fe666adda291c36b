"""A parsed Python file, with the full names of what it imports. Nothing is executed."""

import ast
import warnings
from dataclasses import dataclass

from roadworthy.source.files import SourceFile


@dataclass(frozen=True)
class Module:
    """A Python file as a syntax tree.

    Args:
        file: where it is.
        tree: its syntax tree.
        imports: the names it binds by import, with the dotted names they stand for.
        constants: its names for plain strings, such as ``KEY = "SECRET_KEY"``.
    """

    file: SourceFile
    tree: ast.Module
    imports: dict[str, str]
    constants: dict[str, str]

    @property
    def stem(self) -> str:
        """The last part of its module name."""
        parts = self.file.name.removesuffix(".py").split("/")
        return parts[-2] if parts[-1] == "__init__" and len(parts) > 1 else parts[-1]

    def full_name(self, node: ast.expr) -> str:
        """Return the dotted name of an expression, its first part as it was imported; "" if it has no name."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.imports.get(node.id, node.id), *reversed(parts)])

    def text(self, node: ast.expr | None) -> str | None:
        """Return the string that an expression stands for, where that is plain to see."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        return self.constants.get(node.id) if isinstance(node, ast.Name) else None

    def place(self, node: ast.AST) -> str:
        """Return where a node is, for people."""
        return f"{self.file.name}:{getattr(node, 'lineno', 1)}"


def parse(file: SourceFile) -> Module | None:
    """Parse a file; None when it is not valid Python."""
    try:
        with warnings.catch_warnings():  # about escapes in somebody else's strings
            warnings.simplefilter("ignore")
            tree = ast.parse(file.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    imports: dict[str, str] = {}
    constants: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                imports[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            imports.update({alias.asname or alias.name: f"{source}.{alias.name}" for alias in node.names})
        elif (
            isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        ):
            constants.update({each.id: node.value.value for each in node.targets if isinstance(each, ast.Name)})
    return Module(file, tree, imports, constants)


def literal(node: ast.expr | None) -> str | None:
    """Return a literal as text; None for what is computed, and for None itself."""
    try:
        value = ast.literal_eval(node) if node is not None else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return None if value is None else str(value)


def keyword(call: ast.Call, *names: str) -> ast.expr | None:
    """Return the value of the first of these keywords that a call has."""
    return next((each.value for name in names for each in call.keywords if each.arg == name), None)
