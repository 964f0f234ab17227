"""The blocking face is what its generator makes, to the byte, and the generator refuses what it doesn't know."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from s3_bucket._sync import _generate

if TYPE_CHECKING:
    from pathlib import Path

CLASS = '''
class AsyncThing:
    """A thing."""

    {}
'''


def member(text: str) -> str:
    """Return a module with one class of one member."""
    return CLASS.format(text.strip().replace("\n", "\n    "))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Make a copy of what the generator reads and writes."""
    for room in ("_async", "_sync"):
        (tmp_path / room).mkdir()
        for path in (_generate.PACKAGE / room).glob("*.py"):
            (tmp_path / room / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_every_byte() -> None:
    """The files are what the generator makes of their origins, and there are no others."""
    assert _generate.problems() == []


def test_command(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The check fails on a changed or missing file, naming it; the command without arguments mends both."""
    assert _generate.main(["--check"], package) == 0
    (package / "_sync" / "bucket.py").write_bytes((package / "_sync" / "bucket.py").read_bytes()[:-1])
    (package / "_sync" / "writer.py").unlink()
    assert _generate.main(["--check"], package) == 1
    said = capsys.readouterr().err
    assert "bucket.py is not what" in said
    assert "writer.py is not what" in said
    assert _generate.main([], package) == 0
    assert _generate.main(["--check"], package) == 0
    assert _generate.problems(package) == []


def test_carriage_returns(package: Path) -> None:
    """Line ends count: a checkout that changed them is not what was generated."""
    path = package / "_sync" / "reader.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(_generate.problems(package)) == 1


def test_orphans(package: Path) -> None:
    """A file in _sync that nobody makes or knows is refused, whatever it is called."""
    (package / "_sync" / "stray.py").touch()
    (package / "_sync" / "__pycache__").mkdir()
    assert [problem.split()[0] for problem in _generate.problems(package)] == ["stray.py"]


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """An argument that is not known changes nothing, and is answered by the usage."""
    assert _generate.main(["--chekc"]) == 2
    assert "usage:" in capsys.readouterr().err


def test_command_line() -> None:
    """The check runs as a module, and its exit status is that of the check."""
    done = subprocess.run(
        [sys.executable, "-m", "s3_bucket._sync._generate", "--check"], check=False, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_refusal_as_exit_status(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal ends the command, names its cause, and writes nothing."""
    (package / "_async" / "writer.py").write_text(member("def sneak(self) -> int:\n    return 1"))
    before = (package / "_sync" / "writer.py").read_bytes()
    assert _generate.main([], package) == 1
    assert "AsyncThing.sneak" in capsys.readouterr().err
    assert (package / "_sync" / "writer.py").read_bytes() == before


REFUSALS = {
    "a plain def": ('def m(self) -> int:\n    """Do."""\n    return 1', "AsyncThing.m: not an async def"),
    "an async property": ('@property\nasync def m(self) -> int:\n    """Do."""', "AsyncThing.m: not an async def"),
    "a static method": ('@staticmethod\ndef m() -> int:\n    """Do."""', "AsyncThing.m: not an async def"),
    "another decorator": ('@cache\nasync def m(self) -> int:\n    """Do."""', "AsyncThing.m: not an async def"),
    "an async generator": ('async def m(self) -> int:\n    """Do."""\n    yield 1', "AsyncThing.m: a generator"),
    "an attribute": ("limit = 3", "AsyncThing.limit: a class has no public attributes"),
    "an annotated attribute": ("limit: int", "AsyncThing.limit: a class has no public attributes"),
    "a tuple of attributes": ("_a, b = 1, 2", "AsyncThing.b: a class has no public attributes"),
    "slots": ("__slots__ = ()", "AsyncThing.__slots__: a class has no public attributes"),
    "an inner class": ("class Inner:\n    pass", "AsyncThing.Inner: a class has no public attributes"),
    "another special method": ("def __len__(self) -> int:\n    return 1", "AsyncThing.__len__: no blocking"),
    "no return annotation": ('async def m(self):\n    """Do."""', "AsyncThing.m: it says nothing"),
    "no docstring": ("async def m(self) -> int:\n    return 1", "AsyncThing.m has no docstring"),
    "a body in the signature's line": ('async def m(self) -> int: """Do."""', "AsyncThing.m: its body begins"),
    "a default that is a name": ('async def m(self, n: int = N) -> int:\n    """Do."""', "AsyncThing.m: a default"),
    "what it opens is unknown": (
        'def m(self) -> AbstractAsyncContextManager[AsyncSecret]:\n    """Do."""',
        "AsyncThing.m: it gives AsyncSecret",
    ),
    "what it gives is unknown": (
        'async def m(self) -> AsyncSecret:\n    """Do."""',
        "AsyncThing.m: it gives AsyncSecret",
    ),
    "what it opens has no face": (
        'def m(self) -> AbstractAsyncContextManager[Other]:\n    """Do."""\n    from a import Other',
        "thing.py: Other: a public class is named Async",
    ),
    "a file's other method": (
        "\n\n".join(f'async def {name}(self) -> bytes:\n    """Do."""' for name in ("read", "aclose", "readline")),
        "AsyncThing.readline: it would pass",
    ),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_refusals(kind: str) -> None:
    """Whatever public thing the table doesn't have is refused, and named."""
    text, sentence = REFUSALS[kind]
    with pytest.raises(_generate.Refused) as caught:
        _generate.generate("thing.py", member(text))
    assert sentence in str(caught.value)


def test_refused_modules() -> None:
    """A module without a public class, or with one of another name or without docstring, is refused."""
    for source, sentence in (
        ("class _Hidden:\n    pass\n", "there is no public class"),
        ('class Thing:\n    """A thing."""\n', "Thing: a public class is named Async"),
        ("class AsyncThing:\n    pass\n", "AsyncThing has no docstring"),
    ):
        with pytest.raises(_generate.Refused, match=sentence):
            _generate.generate("thing.py", source)


def test_private_things_stay_behind() -> None:
    """What is private in the origin is neither generated nor refused."""
    text = _generate.generate("thing.py", member("_limit = 3\n\nasync def _m(self) -> int:\n    return 1"))
    assert "_limit" not in text
    assert "_m" not in text
    assert "TYPE_CHECKING" not in text


def test_layout() -> None:
    """A signature that fits into one line takes one, one that doesn't keeps its shape, and calls break as ruff's do."""
    arguments = ", ".join(f"argument_number_{n}: int" for n in range(5))
    text = _generate.generate(
        "thing.py",
        member(
            'async def one(\n    self, n: int\n) -> int:\n    """Do."""\n\n'
            f'async def two(\n    self, {arguments}\n) -> int:\n    """Do."""\n\n'
            'async def three(\n    self, n: int,  # of them\n) -> int:\n    """Do."""\n\n'
            f'async def four(self, *names: str, **{"long_" * 14}words: int) -> int:\n    """Do."""'
        ),
    )
    assert "    def one(self, n: int) -> int:\n" in text
    assert f"    def two(\n        self, {arguments}\n    ) -> int:\n" in text
    assert "    def three(\n        self, n: int,  # of them\n    ) -> int:\n" in text
    assert (
        f"        return self._call(\n            self._async.four, *names, **{'long_' * 14}words\n        )\n" in text
    )


def test_exploded_calls_and_imports() -> None:
    """Where arguments don't fit into one line below the call, or names into one import, each has its own."""
    names = [f"Argument{n}{'x' * 20}" for n in range(5)]
    parameters = "\n".join(f"    {name.lower()}: {name}," for name in names)
    source = f"from typing import {', '.join(names)}\nimport os\n" + member(
        f'async def m(\n    self,\n{parameters}\n    path: os.PathLike,\n) -> None:\n    """Do."""'
    )
    text = _generate.generate("thing.py", source)
    passed = "".join(f"            {name.lower()},\n" for name in names)
    assert f"        self._call(\n            self._async.m,\n{passed}            path,\n        )\n" in text
    imported = "".join(f"        {name},\n" for name in names)
    assert f"    import os\n    from typing import (\n{imported}    )\n" in text
