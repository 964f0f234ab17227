"""XML out, and XML back under botocore's names, as the tables of answers.py take it: listings and deletions. Pure.

botocore makes the same of both, in ten times the time, and for so long the event loop stands still.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from s3_bucket._async._botocore import answers
from s3_bucket._async._sigv4 import canonical_query

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from xml.etree.ElementTree import Element

    from s3_bucket._store import ListRequest

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_OF_ANSWERS = {"Name", "IsTruncated", "EncodingType", "NextContinuationToken"}
_OF_ENTRIES = {"Key", "Size", "ETag", "LastModified", "StorageClass", "Prefix", "Code", "Message"}
_ONCE = _OF_ANSWERS | _OF_ENTRIES
"""What is read of an answer or an entry: it must not be there twice, for nobody could tell which is meant."""
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;", "\n": "&#xA;"})


def listing_query(request: ListRequest, token: str | None, max_keys: int) -> str:
    """Return the query of ListObjectsV2. Keys come coded as in a URL: XML has no way to write every character."""
    given = {
        "list-type": "2",
        "encoding-type": "url",
        "max-keys": str(max_keys),
        "prefix": request.prefix,
        "delimiter": request.delimiter,
        "start-after": request.start_after,
        "continuation-token": token,
    }
    return canonical_query(answers.given(given).items())


def listing(document: Element) -> dict[str, Any]:
    """Return the answer to ListObjectsV2.

    Raises:
        ValueError: a size is no number, or something is said twice.
    """
    answer, entries = _texts(document, "Contents", "CommonPrefixes")
    decoded = unquote_plus if answer.get("EncodingType") == "url" else str
    for entry in entries["Contents"]:
        _read(entry, decoded)
    for entry in entries["CommonPrefixes"]:
        entry["Prefix"] = decoded(entry.get("Prefix", ""))
    if "IsTruncated" in answer:
        answer["IsTruncated"] = answer["IsTruncated"] == "true"
    return {**answer, **entries}


def deletion_body(keys: Sequence[str]) -> bytes:
    """Return the body of DeleteObjects. A parser would make one character of each kind of line break."""
    objects = "".join([f"<Object><Key>{key.translate(_ESCAPED)}</Key></Object>" for key in dict.fromkeys(keys)])
    return f'<Delete xmlns="{_NAMESPACE}">{objects}</Delete>'.encode()


def deletion(document: Element) -> dict[str, Any]:
    """Return the answer to DeleteObjects.

    Raises:
        ValueError: something is said twice.
    """
    _, entries = _texts(document, "Deleted", "Error")
    return {"Deleted": entries["Deleted"], "Errors": entries["Error"]}


class _Names(dict[str, str]):
    """Elements' names without their namespace, each made once: vendors differ in it, and some have none."""

    def __missing__(self, tag: str) -> str:
        name = self[tag] = tag.rpartition("}")[2]
        return name


def _texts(document: Element, *lists: str) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Return the texts in a document by their names, and those in the entries of each of its lists."""
    names = _Names()
    texts: dict[str, Any] = {}
    entries: dict[str, list[dict[str, Any]]] = {name: [] for name in lists}
    for element in document:
        name = names[element.tag]
        if name in entries:
            entries[name].append(_entry(element, names))
        elif name in texts and name in _ONCE:
            raise _twice(name)
        else:
            texts[name] = element.text or ""
    return texts, entries


def _entry(element: Element, names: _Names) -> dict[str, Any]:
    texts = {names[field.tag]: field.text or "" for field in element}
    if len(texts) < len(element):
        seen = [names[field.tag] for field in element]
        for name in _ONCE.intersection(seen):
            if seen.count(name) > 1:
                raise _twice(name)
    return texts


def _twice(name: str) -> ValueError:
    return ValueError(f"{name} is there twice")


def _read(entry: dict[str, Any], decoded: Callable[[str], str]) -> None:
    """Put what is no text in the place of its text."""
    if "Key" in entry:
        entry["Key"] = decoded(entry["Key"])
    if "Size" in entry:
        entry["Size"] = int(entry["Size"])
    if "LastModified" in entry:
        entry["LastModified"] = _time(entry["LastModified"])


def _time(text: str) -> datetime | None:
    """Return the time that a text means, quickly where it is as S3 writes it: "2030-01-02T03:04:05.000Z"."""
    if len(text) in {20, 24} and text[7] == "-" and text[10] == "T" and text[-1] == "Z":
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    return answers.time(text)
