"""Field types that API bodies share."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
Item = TypeVar("Item")


def _plain(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("含有不能保存的控制字符，请删掉")
    return text


def _sensible(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2100:
        raise ValueError("年份要在 2000 到 2100 之间")
    return moment


Id = Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(_plain)]
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=60), AfterValidator(_plain)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_plain)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_plain)]
Moment = Annotated[AwareDatetime, AfterValidator(_sensible)]
Minutes = Annotated[int, Field(ge=1, le=1440, strict=True)]


class Listing(BaseModel, Generic[Item]):
    """A page of a list."""

    items: list[Item]
    next_cursor: str | None = None


class PageQuery(BaseModel):
    """Paging of every list."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=400)
