"""No cell of a file becomes a formula, whichever sign the reader's own country puts between cells."""

import csv
import io

import pytest

from shopify_app.records import sheets

CALLS = "=cmd|' /C calc'!A0"
HOSTILE = [
    *(CALLS, f" {CALLS}", f"\t{CALLS}", "+1", "-1", "@SUM(A1)", "＝1"),
    *(f"x;{CALLS};y", f"x; {CALLS}", f"x\t{CALLS}", f"x\n{CALLS}", f"x\r\n{CALLS}", f'x;"{CALLS}"', f"{CALLS};{CALLS}"),
    *(";=1", ";;=1", "x;=;=1", "x;@SUM(A1)", "x;\u00a0+1"),
]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_cell_is_a_formula_whatever_separates_cells(hostile: str, separator: str) -> None:
    """Excel takes the separator of the reader's country: a semicolon in most of Europe."""
    for place in range(3):
        row = ["tea", "mug", "spoon"]
        row[place] = hostile
        told = sheets.text(["a", "b", "c"], [row])
        cells = [cell for line in csv.reader(io.StringIO(told, newline=None), delimiter=separator) for cell in line]
        assert not [cell for cell in cells if cell.lstrip(' "\u00a0').startswith(sheets.FORMULA)], told


@pytest.mark.parametrize(
    "title", ["Tea; green", "Mug, 0.3 l", "Black+White", "A-Z", "5 = five", 'He said "no"', "x; 7"]
)
def test_what_is_no_formula_stays_as_it_is(title: str) -> None:
    assert list(csv.reader(io.StringIO(sheets.text(["title"], [[title]])))) == [["title"], [title]]
