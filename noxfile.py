"""Sessions: ``python3 -m nox -s tests`` and its sisters. Everything a session needs, it installs itself."""

from __future__ import annotations

from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "generated", "tests"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
OTHER_PYTHONS = ("3.12", "3.13", "3.14")

# The lowest versions that pyproject.toml allows.
LOWEST = ("aiobotocore==2.23.0", "anyio==4.9.0", "httptools==0.6.4")

# Development mode (asyncio's debug mode, ResourceWarning) and every warning an error, in child processes too. Nothing
# here may ask a cloud's metadata service for credentials.
ENVIRONMENT = {"PYTHONDEVMODE": "1", "PYTHONWARNINGS": "error", "AWS_EC2_METADATA_DISABLED": "true"}

# The tests run over the engine that the library chooses; those of what an engine does, over the other one, too.
OTHER_ENGINE = {"S3_TEST_ENGINE": "botocore"}
OF_ENGINES = ("tests/conformance", "tests/guards")
# And what any S3 must do, over the package's own fake.
NO_SERVER = {"S3_TEST_ENGINE": "fake"}


# In as many processes as there are cores, unless something is asked for.
PARALLEL = ("-n", "auto", "--maxprocesses", "4", "--dist", "worksteal")


def group(*names: str) -> list[str]:
    """Return the requirements of dependency groups."""
    return nox.project.dependency_groups(PYPROJECT, *names)


def wheel(session: nox.Session) -> str:
    """Build the wheel in a directory of its own and return its path."""
    directory = Path(session.create_tmp()).resolve() / "wheel"
    for old in directory.glob("*.whl"):
        old.unlink()
    session.install(*group("build"))
    session.run("python", "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory), silent=True)
    return str(next(directory.glob("*.whl")))


def install_wheel(session: nox.Session, *requirements: str) -> None:
    """Install the package as its users get it, and whatever else is needed."""
    built = wheel(session)
    session.install(built, *requirements)
    # Again, for an environment that is used a second time: the version is the same, the content is not.
    session.install("--force-reinstall", "--no-deps", built)


def tests(session: nox.Session) -> None:
    """Run the tests on the installed wheel; every line and branch of it must be covered."""
    install_wheel(session, *group("tests"))
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *(session.posargs or PARALLEL), env=ENVIRONMENT)
    if not session.posargs:
        session.run("coverage", "run", "-m", "pytest", *PARALLEL, *OF_ENGINES, env=ENVIRONMENT | OTHER_ENGINE)
        session.run("coverage", "run", "-m", "pytest", *PARALLEL, "tests/conformance", env=ENVIRONMENT | NO_SERVER)
    session.run("coverage", "combine", "--quiet")
    # A selection of the tests can't cover everything.
    session.run("coverage", "report", *(["--fail-under=0"] if session.posargs else []))


nox.session(tests)
for version in OTHER_PYTHONS:
    nox.session(tests, python=version, name=f"tests-{version}", default=False)


@nox.session(default=False)
def tests_lowest(session: nox.Session) -> None:
    """Run the conformance suite with the lowest versions of the dependencies, and the lifetimes with uvloop."""
    install_wheel(session, *LOWEST, *group("tests"))
    environment = {"AWS_EC2_METADATA_DISABLED": "true"}
    session.run("pytest", "-k", "conformance", *(session.posargs or PARALLEL), env=environment)
    session.install("uvloop>=0.21")
    session.run("pytest", "tests/lifecycle", "tests/test_portal.py", *session.posargs, env=environment)


@nox.session(default=False)
def tests_ceph(session: nox.Session) -> None:
    """Run the conformance suite, with both engines, and the model over a Ceph, which root installs if it is missing."""
    install_wheel(session, *group("tests"))
    faults = [f"tests/faults/test_{name}.py" for name in ("model", "keys", "proxy")]
    arguments = session.posargs or PARALLEL
    ceph = ("python", "-m", "tests.servers.ceph", "pytest", "tests/conformance")
    session.run(*ceph, *faults, *arguments, env=ENVIRONMENT)
    session.run(*ceph, *arguments, env=ENVIRONMENT | OTHER_ENGINE)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Run the seeded selection of the fault matrix, over both engines; with ``-- --seeds N``, every cell N times."""
    install_wheel(session, *group("tests"))
    session.run("python", "-m", "tests.faults", *session.posargs)


@nox.session(default=False)
def faults_peers(session: nox.Session) -> None:
    """Run the same cells with aiobotocore, boto3 and obstore; with ``-- --write docs/faults.md``, write them."""
    session.install(*group("peers"))
    session.run("python", "-m", "tests.faults", "--peers", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure this package and other clients of S3, in turn; with ``-- --write docs/benchmarks.md``, write it down."""
    install_wheel(session, *group("bench"), "pip")
    others = {name: environment(session, name, group(f"bench-{name}")) for name in ("peers", "crt", "old")}
    interpreters = [argument for name, python in others.items() for argument in (f"--{name}", python)]
    session.run("python", "-m", "benchmarks", *interpreters, *session.posargs)


def environment(session: nox.Session, name: str, requirements: list[str]) -> str:
    """Make another virtual environment beside the session's, and return its interpreter."""
    directory = Path(session.create_tmp()).resolve() / name
    session.run("python", "-m", "venv", "--clear", "--without-pip", str(directory))
    python = str(directory / "bin" / "python")
    install = ("python", "-m", "pip", "--python", python, "--disable-pip-version-check", "install", "--quiet")
    try:
        session.run(*install, *requirements)
    except CommandFailed:
        # One that can't be installed must not keep the others out; whoever is missing is left out of the tables.
        for requirement in requirements:
            session.run(*install, requirement, success_codes=(0, 1))
    return python


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install(*group("lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the source, and of the public API as a user sees it, with two checkers."""
    install_wheel(session, *group("types"))
    session.run("mypy", "--strict", "src", "tests/typing")
    session.run("pyright", "--pythonpath", session_python(session), "src", "tests/typing")


def session_python(session: nox.Session) -> str:
    """Return the path of a session's interpreter."""
    return str(session.run("python", "-c", "import sys; print(sys.executable)", silent=True)).strip()


@nox.session
def generated(session: nox.Session) -> None:
    """Check that the blocking face is what its generator makes of the async one, and docs/vendors.md of its table."""
    session.install("--editable", ".")
    session.run("python", "-m", "s3_bucket._sync._generate", "--check", *session.posargs)
    session.run("python", "-m", "docs.vendors", "--check")


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Show the main job on real input: with an S3 of its own, or the one that AWS_ENDPOINT_URL names."""
    install_wheel(session, *group("server"))
    session.run("python", "examples/demo.py", *session.posargs, env={"AWS_EC2_METADATA_DISABLED": "true"})
