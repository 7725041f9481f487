"""The truth table in docs/semantics.md is true."""

import json
from pathlib import Path

from memstore.filters import field, matches, normalize

DOCS = Path(__file__).parents[2] / "docs" / "semantics.md"
FILTERS = {
    "a == null": field("a") == None,  # a node, not a comparison
    "a == 1": field("a") == 1,
    "a != 1": field("a") != 1,
    "a == true": field("a") == True,  # a node, not a comparison
    "a in [1, null]": field("a").is_in([1, None]),
    "a not in []": field("a").not_in([]),
    "a < 3": field("a") < 3,
    "not (a < 3)": ~(field("a") < 3),
    "a >= 3": field("a") >= 3,
    "a < null": field("a") < None,
    'a == "2024-05-01T00:00Z"': field("a") == "2024-05-01T00:00Z",
    'a < "2024-05-02"': field("a") < "2024-05-02",
}


def cells(line):
    return [cell.strip().strip("`") for cell in line.strip("|\n").split("|")]


def test_each_cell():
    table = DOCS.read_text().partition("### A truth table")[2].partition("###")[0].strip().splitlines()
    records = [json.loads(head.replace("a:", '{"a":') + "}") if head != "{}" else {} for head in cells(table[0])[1:]]
    rows = {cells(line)[0]: [cell == "yes" for cell in cells(line)[1:]] for line in table[2:]}
    assert rows.keys() == FILTERS.keys()
    for name, expected in rows.items():
        for filter in (FILTERS[name], normalize(FILTERS[name])):
            assert [matches(filter, {"meta": record}) for record in records] == expected, name
