"""Which house rules can be read off a text: each guard returns what breaks its rule there."""

import ast
import re

COLUMNS_MAX = 100
INEXACT_NAMES = {"float", "complex", "Decimal", "truediv"}
HOME = re.compile(r"(?<![\w.~-])(?:/(?:home|Users)/|/root/|[A-Za-z]:\\+Users\\+)\w")


def inexact(source: str) -> list[str]:
    """Where the code computes with anything but integers."""
    found = ((node, _inexact_part(node)) for node in ast.walk(ast.parse(source)))
    return [f"line {getattr(node, 'lineno', 0)}: {part}" for node, part in found if part]


def _inexact_part(node: ast.AST) -> str | None:
    """What in this very node is inexact."""
    match node:
        case ast.Constant(value=float() | complex() as number):
            return f"the number {number}"
        case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            return "true division"
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            return f"the name {name}" if name in INEXACT_NAMES else None
        case _:
            return None


def badly_described(source: str) -> list[str]:
    """Why the docstring's first line does not say what the module is there for."""
    module = ast.parse(source)
    described = ast.get_docstring(module, clean=False)
    if not described:
        return ["no docstring"]
    if not described.splitlines()[0].strip():
        return ["the docstring's first line is empty"]
    columns = len(source.splitlines()[module.body[0].lineno - 1])
    return [f"the docstring's first line has {columns} columns"] if columns > COLUMNS_MAX else []


def homes(text: str) -> list[str]:
    """The lines that name somebody's home directory."""
    return [line.strip() for line in text.splitlines() if HOME.search(line)]
