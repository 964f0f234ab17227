"""Which engine the tests run over, without any of them knowing: S3_TEST_ENGINE, or else what the library chooses."""

from __future__ import annotations

import os

VARIABLE = "S3_TEST_ENGINE"
ENGINES = ("wire", "botocore")


def prelude() -> str:
    """Return the beginning of a program that is to run over that engine, too."""
    engine = os.environ.get(VARIABLE)
    return f"import s3_bucket._config; s3_bucket._config.AUTO = {engine!r}\n" if engine else ""


def choose() -> None:
    """Let this process run over it, wherever a setting doesn't name another one."""
    from s3_bucket import _config  # noqa: PLC0415  # other clients' environments don't have it

    engine = os.environ.get(VARIABLE, _config.AUTO)
    if engine not in ENGINES:
        msg = f"{VARIABLE}: expected one of {', '.join(ENGINES)}, not {engine!r}"
        raise ValueError(msg)
    _config.AUTO = engine  # type: ignore[assignment]  # it is one of them
