"""Makes the blocking face out of the async one: python -m s3_bucket._sync._generate [--check].

Each public method becomes a pass-through. Signatures and docstrings are slices of the source's text, so that they come
over word for word, and so that the outcome doesn't depend on the interpreter; bodies are never translated. What it does
not know it refuses, naming it. Where the products are broken, so that the package can't be imported, run this file by
its path.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
ORIGINS = ("bucket.py", "plan.py", "reader.py", "writer.py")
HANDWRITTEN = ("__init__.py", "_executor.py", "_facade.py", "_generate.py", "_portal.py")
LINE_LENGTH = 120

RENAMED = {"__aenter__": "__enter__", "__aexit__": "__exit__", "__aiter__": "__iter__", "aclose": "close"}
IN_FACE = {"__repr__", "__reduce__"}
"""What _facade.Face does for every class."""

ASKED = {"__str__": "str"}
"""What is asked of the async object by a builtin function."""

FILE_METHODS = {"read", "seek", "tell", "write", "aclose", "__aiter__"}
"""What FileReader and FileWriter do through their buffers; any other method would pass these by."""

NARROWER = {"write"}
NARROWER_COMMENT = "  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]"
"""Python's own files promise to take anything with a buffer."""


class Refused(Exception):  # noqa: N818  # it is what happens
    """The origin has something public that has no blocking counterpart."""


@dataclass
class Product:
    """The text of one module being made, and the names that it needs."""

    origin: str
    source: str
    tree: ast.Module
    lines: list[str] = field(default_factory=list[str])
    typing_names: set[str] = field(default_factory=set[str])
    runtime: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def slice(self, first: int, last: int) -> str:
        """The source's lines, from the first to the last one, counted from 1."""
        return "\n".join(self.source.split("\n")[first - 1 : last])


def generate(origin: str, source: str) -> str:
    """Return the text of the blocking module that belongs to an async one.

    Args:
        origin: the file's name, such as "bucket.py".
        source: its text.

    Raises:
        Refused: something in it has no blocking counterpart.
    """
    product = Product(origin, source, ast.parse(source))
    classes = [node for node in product.tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    if not classes:
        raise Refused(f"{origin}: there is no public class")

    for node in classes:
        _class(product, node)
    return "\n".join([*_head(product, classes), *product.lines]) + "\n"


def blocking_name(name: str, origin: str) -> str:
    """Return the blocking class's name: AsyncBucket's is Bucket."""
    if not name.startswith("Async"):
        raise Refused(f"{origin}: {name}: a public class is named Async...")

    return name.removeprefix("Async")


# The head


def _head(product: Product, classes: list[ast.ClassDef]) -> list[str]:
    name = product.origin.removesuffix(".py")
    faces = " and ".join(blocking_name(node.name, product.origin) for node in classes)
    origins = " and ".join(node.name for node in classes)
    head = [
        f"# Generated from s3_bucket/_async/{product.origin}: change that and run python -m s3_bucket._sync._generate",
        f'"""{faces}: the blocking face of {origins}, from s3_bucket._async.{name}."""',
        "",
        "from __future__ import annotations",
        "",
    ]
    typing_imports = _typing_imports(product)
    runtime = _import_lines(product.runtime)
    if not typing_imports:
        return [*head, *runtime]

    return [
        *head,
        "from typing import TYPE_CHECKING",
        "",
        *runtime,
        *([""] if runtime else []),
        "if TYPE_CHECKING:",
        *typing_imports,
    ]


def _typing_imports(product: Product) -> list[str]:
    """The imports of the names that the signatures use, indented, as the source has them, sorted as ruff does it."""
    known = _imported(product)
    defined = {name for _, name in product.runtime}
    modules: list[str] = []
    members: set[tuple[str, str]] = set()
    for name in sorted(product.typing_names - defined):
        module, member = known.get(name, (None, None))
        if module is None:
            continue  # a builtin
        if member is None:
            modules.append(module)
        else:
            members.add((module, member))
    ours = {(module, member) for module, member in members if module.startswith("s3_bucket")}
    margin = "    "
    standard = [*(f"{margin}import {module}" for module in modules), *_import_lines(members - ours, margin)]
    return [*standard, *([""] if standard and ours else []), *_import_lines(ours, margin)]


def _imported(product: Product) -> dict[str, tuple[str, str | None]]:
    """Every name that the module defines or imports: (module, member), or (module, None)."""
    known: dict[str, tuple[str, str | None]] = dict(_COUNTERPARTS)
    for node in ast.walk(product.tree):
        if isinstance(node, ast.ClassDef):
            known[node.name] = _home(product, node.name)
        if isinstance(node, ast.Import):
            known |= {alias.name: (alias.name, None) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            known |= {alias.name: (str(node.module), alias.name) for alias in node.names}
    return known


_COUNTERPARTS = {
    "Iterator": ("collections.abc", "Iterator"),
    "AbstractContextManager": ("contextlib", "AbstractContextManager"),
}


def _import_lines(members: set[tuple[str, str]], margin: str = "") -> list[str]:
    """One line for each module; in one, ruff puts constants before classes before the rest."""
    lines: list[str] = []
    for module in sorted({module for module, _ in members}):
        names = sorted((name for of, name in members if of == module), key=lambda name: (not name[0].isupper(), name))
        lines += _call(f"{margin}from {module} import ", names, "", brackets=("", ""), exploded=("(", ")"))
    return lines


# The classes


def _class(product: Product, node: ast.ClassDef) -> None:
    name = blocking_name(node.name, product.origin)
    methods = {method.name for method in node.body if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)}
    is_file = "aclose" in methods and bool(methods & {"read", "write"})
    base = "Face" if not is_file else "FileReader" if "read" in methods else "FileWriter"
    product.runtime.add(("s3_bucket._sync._facade", base))
    if is_file:
        product.typing_names.add(node.name)
    product.lines += ["", "", f"class {name}({base}):", *_docstring(product, node), "", f"    _async: {node.name}"]
    for member in node.body[1:]:
        _member(product, node.name, member, is_file=is_file)


def _docstring(product: Product, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    if ast.get_docstring(node) is None:
        raise Refused(f"{product.origin}: {node.name} has no docstring")

    return product.slice(node.body[0].lineno, node.body[0].end_lineno or 0).split("\n")


def _member(product: Product, owner: str, member: ast.stmt, *, is_file: bool) -> None:
    where = f"{product.origin}: {owner}"
    if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
        where = f"{where}.{member.name}"
        if is_file and member.name == "__init__":
            return  # the blocking face makes its own
        if member.name in {*RENAMED, *ASKED, "__init__"} or not _is_private(member.name):
            _method(product, owner, where, member, is_file=is_file)
        elif member.name.startswith("__") and member.name not in IN_FACE:
            raise Refused(f"{where}: no blocking counterpart is known of this method")
        return

    for name in _names(member):
        if name.startswith("__") or not _is_private(name):
            raise Refused(f"{where}.{name}: a class has no public attributes but properties")


def _names(member: ast.stmt) -> list[str]:
    """The names that a statement in a class's body binds."""
    if isinstance(member, ast.ClassDef):
        return [member.name]

    return [node.id for node in ast.walk(member) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


def _is_private(name: str) -> bool:
    return name.startswith("_")


# The methods


def _method(
    product: Product, owner: str, where: str, node: ast.FunctionDef | ast.AsyncFunctionDef, *, is_file: bool
) -> None:
    decorators = [ast.get_source_segment(product.source, decorator) or "" for decorator in node.decorator_list]
    returns = ast.get_source_segment(product.source, node.returns) if node.returns else None
    if returns is None:
        raise Refused(f"{where}: it says nothing of what it returns")

    new_returns, body = _body(product, owner, where, node, decorators, returns, is_file=is_file)
    _note_names(product, where, node, new_returns)
    has_docstring = ast.get_docstring(node) is not None
    if not has_docstring and not node.name.startswith("__"):
        raise Refused(f"{where} has no docstring")

    signature = _signature(product, where, node, new_returns)
    if is_file and node.name in NARROWER:
        signature[0] += NARROWER_COMMENT
    product.lines += [
        "",
        *(f"    @{decorator}" for decorator in decorators),
        *signature,
        *(_docstring(product, node) if has_docstring else []),
        *body,
    ]


def _body(  # noqa: C901, PLR0911  # one line for each row of the table
    product: Product,
    owner: str,
    where: str,
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    decorators: list[str],
    returns: str,
    *,
    is_file: bool,
) -> tuple[str, list[str]]:
    """What the method returns in the blocking face, and its body."""
    kind = (type(node), decorators)
    name, arguments = node.name, _arguments(node)
    if any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(node)):
        raise Refused(f"{where}: a generator can't be taken in batches; return an AsyncIterator")
    if kind == (ast.FunctionDef, ["property"]):
        return returns, [f"        return self._async.{name}"]
    if is_file:
        return _file_body(where, node, decorators, returns, arguments)
    if name == "__init__":
        product.runtime.add(_home(product, owner))
        return returns, _call(f"        self._async = {owner}", arguments, "")
    if kind == (ast.FunctionDef, ["classmethod"]):
        product.runtime.add(_home(product, owner))
        return returns, _call(f"        {_return(returns)}{owner}.{name}", arguments, "")
    if kind == (ast.FunctionDef, []) and name in ASKED:
        return returns, [f"        return {ASKED[name]}(self._async)"]
    if kind == (ast.AsyncFunctionDef, []) and returns.startswith("Async"):
        face = _face(product, where, returns)
        return face, _call("        return self._front", [face, f"self._async.{name}", *arguments], "")
    if kind == (ast.AsyncFunctionDef, []):
        call = "" if name == "__aenter__" else _return(returns)
        body = _call(f"        {call}self._call", [f"self._async.{name}", *arguments], "")
        return returns, [*body, *(["        return self"] if name == "__aenter__" else [])]
    if kind == (ast.FunctionDef, []) and returns.startswith("AsyncIterator["):
        body = _call("        return self._iterate", [f"self._async.{name}", *arguments], "")
        return returns.removeprefix("Async"), body
    if kind == (ast.FunctionDef, []) and returns.startswith("AbstractAsyncContextManager["):
        return _open_body(product, where, name, arguments, returns)
    raise Refused(
        f"{where}: not an async def, nor a property, a classmethod, or a def that returns an AsyncIterator or an "
        "AbstractAsyncContextManager"
    )


def _file_body(
    where: str,
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    decorators: list[str],
    returns: str,
    arguments: list[str],
) -> tuple[str, list[str]]:
    if node.name not in FILE_METHODS or decorators:
        raise Refused(f"{where}: it would pass the file's buffer by")

    name = RENAMED.get(node.name, node.name)
    return returns.removeprefix("Async"), _call(f"        {_return(returns)}super().{name}", arguments, "")


def _open_body(product: Product, where: str, name: str, arguments: list[str], returns: str) -> tuple[str, list[str]]:
    opened = returns.removeprefix("AbstractAsyncContextManager[").removesuffix("]")
    if opened == "Any":  # a plain value
        return f"AbstractContextManager[{opened}]", _call(
            "        return self._enter", [f"self._async.{name}", *arguments], ""
        )

    face = _face(product, where, opened)
    body = _call("        return self._open", [face, f"self._async.{name}", *arguments], "")
    return f"AbstractContextManager[{face}]", body


def _face(product: Product, where: str, name: str) -> str:
    """Return the blocking class of what a method gives, and note its import."""
    module, _ = _imported(product).get(name, (None, None))
    if module is None:
        raise Refused(f"{where}: it gives {name}, which is not imported")

    face = blocking_name(name, product.origin)
    product.runtime.add((module.replace("._async.", "._sync."), face))
    return face


def _home(product: Product, owner: str) -> tuple[str, str]:
    return f"s3_bucket._async.{product.origin.removesuffix('.py')}", owner


def _return(returns: str) -> str:
    return "" if returns == "None" else "return "


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The method's parameters, as it passes them on."""
    parameters = node.args
    return [
        *(parameter.arg for parameter in [*parameters.posonlyargs, *parameters.args][1:]),
        *([f"*{parameters.vararg.arg}"] if parameters.vararg else []),
        *(f"{parameter.arg}={parameter.arg}" for parameter in parameters.kwonlyargs),
        *([f"**{parameters.kwarg.arg}"] if parameters.kwarg else []),
    ]


def _note_names(product: Product, where: str, node: ast.FunctionDef | ast.AsyncFunctionDef, returns: str) -> None:
    """Note which names the signature needs: for types only, so a default may be nothing but a literal."""
    defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
    if any(isinstance(part, ast.Name) for default in defaults for part in ast.walk(default)):
        raise Refused(f"{where}: a default is a literal, not a name")

    for part in [*ast.walk(node.args), *ast.walk(ast.parse(returns, mode="eval"))]:
        if isinstance(part, ast.Name):
            product.typing_names.add(part.id)


# Layout, as ruff format has it


def _signature(product: Product, where: str, node: ast.FunctionDef | ast.AsyncFunctionDef, returns: str) -> list[str]:
    """The source's signature with another name and another return type, in one line again where it now fits."""
    if node.lineno == node.body[0].lineno or node.returns is None:
        raise Refused(f"{where}: its body begins in the line of its signature")

    text = product.slice(node.lineno, node.body[0].lineno - 1)
    _, _, rest = text.partition(f"def {node.name}(")
    parameters = rest[: rest.rindex(") ->")]
    start = f"    def {RENAMED.get(node.name, node.name)}("
    end = f") -> {returns}:"
    if "\n" in parameters and not parameters.rstrip().endswith(",") and "#" not in parameters:
        line = f"{start}{parameters.strip()}{end}"
        if len(line) <= LINE_LENGTH:
            return [line]
    return f"{start}{parameters}{end}".split("\n")


def _call(
    start: str,
    arguments: list[str],
    end: str,
    *,
    brackets: tuple[str, str] = ("(", ")"),
    exploded: tuple[str, str] = ("(", ")"),
) -> list[str]:
    """A call in one line, or with its arguments in the next, or with one argument to a line."""
    inside = ", ".join(arguments)
    line = f"{start}{brackets[0]}{inside}{brackets[1]}{end}"
    if len(line) <= LINE_LENGTH:
        return [line]

    margin = start[: len(start) - len(start.lstrip())]
    if len(margin) + 4 + len(inside) <= LINE_LENGTH and brackets == exploded:
        middle = [f"{margin}    {inside}"]
    else:
        middle = [f"{margin}    {argument}," for argument in arguments]
    return [f"{start}{exploded[0]}", *middle, f"{margin}{exploded[1]}{end}"]


# The command


def products(package: Path = PACKAGE) -> dict[Path, str]:
    """Return what the generated files must hold.

    Args:
        package: the directory of s3_bucket.
    """
    return {
        package / "_sync" / origin: generate(origin, (package / "_async" / origin).read_text(encoding="utf-8"))
        for origin in ORIGINS
    }


def problems(package: Path = PACKAGE) -> list[str]:
    """Return what is wrong with the files as they are: a sentence for each.

    Args:
        package: the directory of s3_bucket.
    """
    wanted = products(package)
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_bytes() != text.encode()]
    known = {*wanted, *(package / "_sync" / name for name in HANDWRITTEN)}
    orphans = sorted({path for path in (package / "_sync").iterdir() if path.name != "__pycache__"} - known)
    return [
        *(f"{path.name} is not what its origin makes: run python -m s3_bucket._sync._generate" for path in stale),
        *(f"{path.name} is neither generated nor known to be written by hand" for path in orphans),
    ]


def main(arguments: list[str], package: Path = PACKAGE) -> int:
    """Write the products, or check them; return the exit status.

    Args:
        arguments: those of the command line.
        package: the directory of s3_bucket.
    """
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m s3_bucket._sync._generate [--check]\n")
        return 2

    try:
        if not arguments:
            for path, text in products(package).items():
                path.write_bytes(text.encode())
        found = problems(package)
    except Refused as refusal:
        found = [str(refusal)]
    sys.stderr.writelines(f"{problem}\n" for problem in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
