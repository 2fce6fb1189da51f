"""Decimal text becomes an integer of units exactly, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.decimals import DIGITS_MAX, DecimalError, decimals_of, to_text, to_units

GREATEST = 10**36 - 1
"""18 digits on either side, all of them nines."""

decimals = st.integers(0, DIGITS_MAX)


@pytest.mark.parametrize(
    ("text", "places", "units"),
    [
        ("0", 0, 0),
        ("0", 18, 0),
        ("0.00", 8, 0),
        ("1", 0, 1),
        ("1", 8, 100_000_000),
        ("1.5", 1, 15),
        ("1.5", 8, 150_000_000),
        ("1.50000000", 2, 150),
        ("1.000", 0, 1),
        ("007.10", 2, 710),
        ("0.000000000000000001", 18, 1),
        ("999999999999999999.999999999999999999", 18, GREATEST),
        ("999999999999999999", 18, GREATEST - (10**18 - 1)),
        ("1000000000", 18, 10**27),
    ],
)
def test_plain_text_is_read_exactly(text: str, places: int, units: int) -> None:
    assert units == to_units(text, places)


@pytest.mark.parametrize(
    ("units", "places", "text"),
    [
        (0, 0, "0"),
        (0, 2, "0.00"),
        (5, 2, "0.05"),
        (-5, 2, "-0.05"),
        (-1_050, 2, "-10.50"),
        (150, 0, "150"),
        (-150, 0, "-150"),
        (1, 18, "0.000000000000000001"),
        (10**30, 18, "1000000000000.000000000000000000"),
        (GREATEST, 18, "999999999999999999.999999999999999999"),
    ],
)
def test_units_are_written_with_all_their_places(units: int, places: int, text: str) -> None:
    assert text == to_text(units, places)


@given(st.integers(0, GREATEST), decimals)
def test_what_is_written_is_read_back(units: int, places: int) -> None:
    units %= 10 ** (DIGITS_MAX + places)
    text = to_text(units, places)
    assert units == to_units(text, places)
    assert places == decimals_of(text)


@given(st.integers(0, GREATEST), decimals, decimals)
def test_a_finer_unit_reads_the_same_amount(units: int, places: int, more: int) -> None:
    """Zeros at the end neither add nor lose anything."""
    units %= 10 ** (DIGITS_MAX + places)
    finer = min(DIGITS_MAX, places + more)
    text = to_text(units, places)
    assert units * 10 ** (finer - places) == to_units(text, finer)
    assert units == to_units(to_text(to_units(text, finer), finer), places)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        ".5",
        "5.",
        "1.2.3",
        " 1",
        "1 ",
        "1\n",
        "\t1",
        "\u00a01",
        "1\x00",
        "+1",
        "-1",
        "-0",
        "\u22121",
        "1_0",
        "1,000",
        "1'000",
        "1 000",
        "1e400",
        "1e3",
        "1E3",
        "1e-3",
        "1.5e2",
        "NaN",
        "nan",
        "sNaN",
        "Infinity",
        "-Infinity",
        "inf",
        "0x10",
        "0b1",
        "1L",
        "1.0f",
        "1/2",
        "½",
        "²",
        "\uff11",
        "\uff11.\uff15",
        "\u0661",
        "\u0967",
        "\U0001d7cf",
        "1\uff0e5",
        "1\u066b5",
        "\ud800",
        "null",
        "one",
        "1000000000000000000",
        "0000000000000000001",
        "0.0000000000000000001",
        "0.0000000000000000000",
        "9" * 5_000,
        "1" * 19 + ".5",
        "5." + "1" * 19,
    ],
    ids=ascii,
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(DecimalError):
        to_units(text, DIGITS_MAX)
    with pytest.raises(DecimalError):
        decimals_of(text)


@pytest.mark.parametrize(("text", "places"), [("0.1", 0), ("1.001", 2), ("0.000000001", 8)])
def test_a_number_finer_than_its_unit_is_refused_and_never_rounded(text: str, places: int) -> None:
    with pytest.raises(DecimalError, match=f"more than {places} decimals"):
        to_units(text, places)


numbers_nearly = st.from_regex(r"[0-9+\-_.eE ]{1,12}", fullmatch=True)


@given(st.text(max_size=40) | numbers_nearly, decimals)
def test_any_text_is_an_exact_number_or_refused(text: str, places: int) -> None:
    try:
        units = to_units(text, places)
    except DecimalError:
        return
    assert text.isascii()
    whole, _, rest = text.partition(".")
    assert int(whole + rest) * 10**places == units * 10 ** len(rest)
