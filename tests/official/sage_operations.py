"""List the operations that the official Sage client calls, read from its source: JSON of [method, path] on stdout.

Paths have `{}` where the client puts something in; what it builds from parts that cannot be read is left out.
"""

from __future__ import annotations

import ast
import json
import re
from importlib.util import find_spec
from pathlib import Path

CALL = re.compile(r"_?rest_?(get|post|put|delete)(_async)?", re.IGNORECASE)


def text(node: ast.expr, known: dict[str, ast.expr], depth: int = 0) -> str:
    """The text that an expression gives, with `{}` for what only the run knows."""
    again = depth + 1
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%[sd]|%\([a-z]+\)[sd]|\{\w*\}", "{}", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text(part, known, again) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return text(node.left, known, again)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text(node.left, known, again) + text(node.right, known, again)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return text(node.func.value, known, again)
    if isinstance(node, ast.Name) and node.id in known and depth < 5:
        return text(known[node.id], known, again)
    return "{}"


def operations(tree: ast.Module) -> set[tuple[str, str]]:
    """What the functions of a module call."""
    found = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        assigned = sorted(
            (one for one in ast.walk(function) if isinstance(one, ast.Assign)), key=lambda one: one.lineno
        )
        for node in ast.walk(function):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            named = CALL.fullmatch(node.func.attr)
            above = (one for one in assigned if one.lineno < node.lineno)
            known = {one.targets[0].id: one.value for one in above if isinstance(one.targets[0], ast.Name)}
            given = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "uri")]
            path = text(given[0], known).split("?")[0].rstrip("/") if named and given else ""
            path = re.sub(r"(?<!/)\{\}$", "", path)  # a query that is built elsewhere
            if named and re.match(r"/\w", path):
                found.add((named[1].upper(), path))
    return found


if __name__ == "__main__":
    specification = find_spec("synapseclient")
    assert specification is not None
    assert specification.origin is not None
    modules = sorted(Path(specification.origin).parent.rglob("*.py"))
    listed = set().union(*(operations(ast.parse(module.read_text(encoding="utf-8"))) for module in modules))
    print(json.dumps(sorted(listed, key=lambda one: (one[1], one[0]))))
