"""ZIP archives sent while they are made: no file on disk, and no more in memory than one piece."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator

Member = tuple[str, Iterable[bytes]]


class _Tap(io.RawIOBase):
    """What is written here waits until it is taken; it cannot be sought, so members are described after them."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: object) -> int:
        """Keep it."""
        piece = bytes(data)  # type: ignore[call-overload]
        self._waiting.append(piece)
        return len(piece)

    def take(self) -> bytes:
        """What has come since the last time."""
        taken = b"".join(self._waiting)
        self._waiting.clear()
        return taken


def stream_zip(members: Iterable[Member], *, compress: bool = True) -> Iterator[bytes]:
    """An archive of members, each a name and its pieces, as pieces."""
    tap = _Tap()
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(tap, "w", method) as archive:
        for name, pieces in members:
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                for piece in pieces:
                    member.write(piece)
                    if ready := tap.take():
                        yield ready
    yield tap.take()
