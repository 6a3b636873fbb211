"""Rules for the code of estate, authority and terminal, checked on its syntax tree."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = [
    path
    for folder in ("estate", "provisioning", "terminal")
    for path in (ROOT / folder).rglob("*.py")
    if "tests" not in path.relative_to(ROOT).parts
]


def test_no_terminal_obeys_what_a_signed_text_says() -> None:
    """Rich reads [words] in brackets as markup unless a console has `markup=False`."""
    consoles = [
        (path.name, {keyword.arg for keyword in node.keywords})
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == "Console"
    ]
    assert len(consoles) >= 2
    assert [name for name, told in consoles if "markup" not in told] == []


def test_the_database_fails_in_the_store_alone() -> None:
    """Elsewhere a database that is away is `StoreRefused`: no module catches or raises another."""
    doors = ("sqlalchemy.exc", "sqlalchemy.engine", "psycopg", "sqlite3")
    found = []
    for path in CODE:
        if "store" in path.relative_to(ROOT).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [
                each.name for each in getattr(node, "names", []) if isinstance(each, ast.alias)
            ]
            whence = getattr(node, "module", None) or ""
            if any(name.startswith(doors) for name in (whence, *names)):
                found.append(f"{path.name}: import {whence} {names}")
            if isinstance(node, ast.Attribute) and node.attr == "engine":
                found.append(f"{path.name}:{node.lineno}: .engine")
            if whence == "sqlalchemy" and {"create_engine", "exc"} & set(names):
                found.append(f"{path.name}: import {names}")
    assert found == []
