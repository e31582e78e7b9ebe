"""What makes a certificate checkable: a digest of the hours it counted, a code on the paper, a seal at the file's end.

All three are keyed or kept, so nobody without the key of the settings can make a paper or a file that passes. The seal
of a file is its last line, a comment to any reader of PDF; it covers every byte before it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import orjson

from core.sealing import sealer
from volunteers.certificates.models import Certificate

CODE_LENGTH = 12
_CODE, _FILE = "certificate.code", "certificate.file"
_SEAL = re.compile(rb"\n%LINJU ([0-9A-Za-z]{1,24}) ([0-9a-f]{32})\n\Z")


class Compared(StrEnum):
    """What comparing a file with what was issued has shown."""

    SAME = "same"
    CHANGED = "changed"
    OTHER = "other"
    NO_SEAL = "no_seal"


def ledger_digest(entries: Iterable[tuple[str, int]]) -> str:
    """The digest of entries of the ledger, each its id and minutes, in whatever order they come."""
    return hashlib.sha256(orjson.dumps(sorted([id_, minutes] for id_, minutes in entries))).hexdigest()


def check_code(certificate: Certificate, contents: Sequence[str]) -> str:
    """The code printed on a certificate (校验码), made from all that the paper says; in three groups of four."""
    facts: list[Any] = [
        certificate.number, certificate.person_name, certificate.body_name, certificate.from_day.isoformat(),
        certificate.to_day.isoformat(), certificate.total_minutes, certificate.services,
        certificate.issued_at.isoformat(), list(contents),
    ]  # fmt: skip
    code = sealer().index(orjson.dumps(facts).decode(), _CODE)[:CODE_LENGTH].upper()
    return "-".join(code[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def seal_file(data: bytes, number: str) -> bytes:
    """A file with its seal as the last line."""
    return data + f"\n%LINJU {number} {_mac(data, number)}\n".encode()


def compare_file(data: bytes, number: str) -> Compared:
    """Whether a file is, byte for byte, one that was given out for this number."""
    found = _SEAL.search(data[-80:])
    if found is None:
        return Compared.NO_SEAL
    named = found[1].decode()
    body = data[: len(data) - len(found[0])]
    if _mac(body, named) != found[2].decode():
        return Compared.CHANGED
    return Compared.SAME if named == number else Compared.OTHER


def _mac(data: bytes, number: str) -> str:
    return sealer().index(f"{number} {hashlib.sha256(data).hexdigest()}", _FILE)
