"""Addresses in all the ways in which people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.grid.addresses import Address, AddressError, join_address, parse_address, parse_block


@pytest.mark.parametrize(
    "text",
    [
        "3#2-501",
        "3栋2单元501室",
        "3-2-501",
        "3号楼2单元501",
        "３栋２单元５０１",
        "三栋二单元501",
        "3栋2-501",
        "03-02-501",
        "3 栋 2 单元 501 室",
        "榕树花园3栋2单元501号",
        "3幢2单元501房",
        "3座2单元501",
        "3栋2单元5楼501",
        "3/2/501",
        "五星社区3—2—501",
        "建设路12号3栋2单元501",
    ],
)
def test_one_door_however_it_is_written(text: str) -> None:
    assert parse_address(text).key == ("", "3", 2, "501")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("3栋501", Address("3", "501", word="栋")),
        ("3-501", Address("3", "501")),
        ("12号楼1单元0101", Address("12", "0101", 1, "号楼")),
        ("A座1201", Address("A", "1201", word="座")),
        ("二期3栋1单元101", Address("3", "101", 1, "栋", "二期")),
        ("樟树屋场5号", Address("樟树屋场", "5")),
        ("樟树组12", Address("樟树组", "12")),
        ("十二栋一单元301", Address("12", "301", 1, "栋")),
        ("1栋门面3", Address("1", "门面3", word="栋")),
    ],
)
def test_parts(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "不详", "15-1-101楼", "501", "3栋", "1单元501", "3栋单元501", "十十栋1单元101", "-", "3--501"]
)
def test_what_cannot_be_placed_is_refused_in_words(text: str) -> None:
    with pytest.raises(AddressError, match="3栋1单元501"):
        parse_address(text)


@pytest.mark.parametrize(
    ("cells", "key"),
    [
        (("3栋", "2单元", "501"), ("", "3", 2, "501")),
        (("3", "2", "0501"), ("", "3", 2, "0501")),
        (("3号楼", "", "501室"), ("", "3", None, "501")),
        (("3栋", "", "2-501"), ("", "3", 2, "501")),
        (("3栋", "", "2单元501"), ("", "3", 2, "501")),
        (("3栋", "2单元", "2-501"), ("", "3", 2, "501")),
        (("3栋", "2单元", "3-2-501"), ("", "3", 2, "501")),
        (("", "", "3栋2单元501"), ("", "3", 2, "501")),
        (("樟树屋场", "", "5"), ("", "樟树屋场", None, "5")),
    ],
)
def test_cells_are_joined(cells: tuple[str, str, str], key: tuple[str, str, int | None, str]) -> None:
    assert join_address(*cells).key == key


@pytest.mark.parametrize(
    "cells",
    [
        ("3栋", "2单元", ""),
        ("不详", "2单元", "501"),
        ("3栋", "东头", "501"),
        ("3栋", "2单元", "5-1-101"),
        ("3栋", "2单元", "1-501"),
        ("3栋", "", "楼上"),
    ],
)
def test_cells_that_do_not_agree_are_refused(cells: tuple[str, str, str]) -> None:
    with pytest.raises(AddressError):
        join_address(*cells)


def test_a_block_alone() -> None:
    assert parse_block("3栋") == Address("3", "", word="栋")
    assert parse_block("樟树屋场") == Address("樟树屋场", "")
    assert parse_block("Sheet1") is None
    assert parse_block("不详") is None
    assert parse_address("樟树屋场5号").is_hamlet
    assert parse_address("A座1201").building_number is None


@given(
    block=st.one_of(st.integers(1, 200).map(str), st.sampled_from("ABCDEF")),
    unit=st.one_of(st.none(), st.integers(1, 12)),
    door=st.from_regex(r"[0-9]{3,4}[A-Z]?", fullmatch=True).filter(str.isascii),
    word=st.sampled_from(["栋", "号楼", "幢", "座"]),
    zone=st.sampled_from(["", "二期", "A区", "东区"]),
)
def test_any_address_can_be_read_again(block: str, unit: int | None, door: str, word: str, zone: str) -> None:
    address = Address(block, door, unit, word, zone)
    assert parse_address(address.text()) == address
    assert parse_address(f" {address.text()}室 ") == address


@given(st.text(max_size=20))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressError:
        return
    assert address.block
    assert address.door
