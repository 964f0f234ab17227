"""How fast this package and other clients of S3 are, in the same run: ``python -m nox -s bench``."""
