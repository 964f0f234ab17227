"""Which engine the tests run over, without any of them knowing: S3_TEST_ENGINE, or else what the library chooses.

The fake is no engine of the library's, but takes the place of the server, too: it is asked for at an endpoint that no
network knows.
"""

from __future__ import annotations

import os

VARIABLE = "S3_TEST_ENGINE"
ENGINES = ("wire", "botocore")
FAKE = "fake"


def prelude() -> str:
    """Return the beginning of a program that is to run over that engine, too."""
    engine = None if is_fake() else os.environ.get(VARIABLE)
    return f"import s3_bucket._config; s3_bucket._config.AUTO = {engine!r}\n" if engine else ""


def is_fake() -> bool:
    """Whether there is to be no server at all."""
    return os.environ.get(VARIABLE) == FAKE


def choose() -> None:
    """Let this process run over it, wherever a setting doesn't name another one."""
    from s3_bucket import _config  # noqa: PLC0415  # other clients' environments don't have it

    if is_fake():
        return
    engine = os.environ.get(VARIABLE, _config.AUTO)
    if engine not in ENGINES:
        msg = f"{VARIABLE}: expected one of {', '.join((*ENGINES, FAKE))}, not {engine!r}"
        raise ValueError(msg)
    _config.AUTO = engine  # type: ignore[assignment]  # it is one of them
