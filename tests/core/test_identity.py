"""Identity numbers, phones and names."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import identity
from core.identity import IdNumberError, PhoneError, Sex

PHONES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


@pytest.mark.parametrize(
    "text",
    [
        "19900000002",
        "199 0000 0002",
        "199-0000-0002",
        "１９９０００００００２",
        " 19900000002\n",
        "+86 19900000002",
        "8619900000002",
    ],
)
def test_a_phone_is_mended(text: str) -> None:
    assert identity.parse_phone(text) == "19900000002"
    assert identity.normalise_phone(text) == "19900000002"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1990000117", "手机号要11位，您填了10位"),
        ("199000001170", "手机号要11位，您填了12位"),
        ("12900000002", "手机号要以13到19开头"),
        ("1990000abcd", "手机号只能填数字"),
        ("", "请填手机号"),
    ],
)
def test_a_wrong_phone_says_how_to_mend_it(text: str, message: str) -> None:
    with pytest.raises(PhoneError, match=message):
        identity.parse_phone(text)
    assert identity.normalise_phone(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "19900000011/19800000017",
        "19900000011、19800000017",
        "19900000011 19800000017",
        "199 0000 0011\n198-0000-0017",
        "本人19900000011(微信同号)；儿子：198 0000 0017",
        "19900000011/19800000017/19900000011",
    ],
)
def test_two_phones_in_a_cell_are_two(text: str) -> None:
    assert identity.split_phones(text) == ["19900000011", "19800000017"]


@pytest.mark.parametrize("text", ["", " ", "无", "/", "-"])
def test_a_cell_that_says_nothing_has_no_phone(text: str) -> None:
    assert identity.split_phones(text) == []


def test_one_bad_phone_spoils_the_cell() -> None:
    with pytest.raises(PhoneError):
        identity.split_phones("19900000011/1980000017")


@given(st.lists(PHONES, max_size=4, unique=True), st.sampled_from("/、,，；; \n"))
def test_any_phones_come_back_from_a_cell(phones: list[str], mark: str) -> None:
    assert identity.split_phones(mark.join(phones)) == phones


@pytest.mark.parametrize(
    "text",
    ["43029919960928014X", "43029919960928014x ", "４３０２９９１９９６０９２８０１４Ｘ", "430299 19960928 014x"],
)
def test_an_id_number_is_mended(text: str) -> None:
    assert identity.parse_id_number(text) == "43029919960928014X"


def test_an_id_number_tells_birth_and_sex() -> None:
    assert identity.id_birth_date("43029919960928014X") == date(1996, 9, 28)
    assert identity.id_sex("43029919960928014X") is Sex.FEMALE
    assert identity.id_sex("430299194808100436") is Sex.MALE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "请填身份证号"),
        ("4302991996092801", "身份证号要18位，您填了16位"),
        ("430299199609280141", "校验不通过"),
        ("43029919960928O14X", "前17位是数字"),
    ],
)
def test_a_wrong_id_number_says_how_to_mend_it(text: str, message: str) -> None:
    with pytest.raises(IdNumberError, match=message) as caught:
        identity.parse_id_number(text)
    assert not caught.value.bad_date
    assert identity.normalise_id_number(text) is None


def with_check_digit(body: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]


@pytest.mark.parametrize("day", ["19990231", "20991231", "17000101"])
def test_a_day_that_cannot_be_is_told_apart_from_a_wrong_digit(day: str) -> None:
    with pytest.raises(IdNumberError) as caught:
        identity.parse_id_number(with_check_digit(f"430299{day}014"))
    assert caught.value.bad_date


@given(st.dates(date(1900, 1, 1), date(2025, 12, 31)), st.integers(0, 999))
def test_any_id_number_with_its_check_digit_is_right_and_no_other(day: date, order: int) -> None:
    number = with_check_digit(f"430299{day:%Y%m%d}{order:03}")
    assert identity.id_birth_date(identity.parse_id_number(number.lower())) == day
    other = number[:-1] + ("1" if number[-1] != "1" else "2")
    assert identity.normalise_id_number(other) is None


def test_masks() -> None:
    assert identity.mask_phone("13800001234") == "138****1234"
    assert identity.mask_id("43029919960928014X") == "4302**********014X"
    assert identity.mask_name("张三") == "张*"
    assert identity.mask_name("沈桂兰") == "沈**"
    assert identity.mask_name("欧阳小满") == "欧阳**"
    assert identity.mask_name("欧阳") == "欧*"
    assert identity.mask_id("123") == "***"
    assert identity.mask_phone("12345") == "***45"


@pytest.mark.parametrize(
    ("name", "sex", "age", "said"),
    [
        ("沈桂兰", Sex.FEMALE, 72, "沈阿姨"),
        ("王建国", Sex.MALE, 60, "王伯伯"),
        ("李敏", Sex.FEMALE, 59, "李女士"),
        ("欧阳文", Sex.MALE, None, "欧阳先生"),
        ("周小雨", Sex.FEMALE, 12, "周同学"),
        ("吴一", Sex.UNKNOWN, 40, "吴同志"),
    ],
)
def test_honorific(name: str, sex: Sex, age: int | None, said: str) -> None:
    assert identity.honorific(name, sex, age) == said


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("单雅春", "shan ya chun"),
        ("仇源琴", "qiu yuan qin"),
        ("解佳水", "xie jia shui"),
        ("曾满", "zeng man"),
        ("区晓", "ou xiao"),
        ("查理", "zha li"),
        ("尉迟单", "yu chi dan"),
        ("张三", "zhang san"),
    ],
)
def test_a_surname_is_read_as_a_surname(name: str, key: str) -> None:
    assert identity.pinyin_key(name) == key
    assert identity.pinyin_initials(name) == "".join(part[0] for part in key.split())


def test_words_of_sex_and_standing() -> None:
    assert [identity.sex_of(text) for text in ("男", "女性", "1", "９", "?")] == [1, 2, 1, 9, 0]
    assert identity.political_status_of("中共预备党员") == ("02", "中共预备党员")
    assert identity.political_status_of("团员") == ("03", "团员")
    assert identity.political_status_of("某某") == (None, "某某")
    assert identity.age_on(date(1966, 11, 23), date(2026, 11, 22)) == 59
    assert not identity.is_name("13800000000")
    assert identity.is_name("买买提·艾力")
