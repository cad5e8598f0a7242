"""The table of medicines is complete, and a mistake in it names its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.account.drugs import DrugErrors, DrugTable, read_drugs
from rag.account.generate import DRUGS, demo_drugs

SCHEDULE_TWO = {
    "oxycodone",
    "hydrocodone",
    "morphine",
    "fentanyl",
    "methadone",
    "hydromorphone",
    "oxymorphone",
    "tapentadol",
    "amphetamine",
    "dextroamphetamine",
    "lisdexamfetamine",
    "methylphenidate",
    "dexmethylphenidate",
    "nabilone",
}
COLD = {
    "insulin-glargine",
    "insulin-lispro",
    "semaglutide",
    "tirzepatide",
    "dulaglutide",
    "liraglutide",
    "latanoprost",
    "adalimumab",
    "etanercept",
    "evolocumab",
}
ENTRY = """- id: metformin
  generic: metformin
  brands: [Glucophage]
  drug_class: biguanide
  uses: [type 2 diabetes]
  everyday_names: [sugar pill]
  forms: [tablet]
  strengths: [500 mg]
  refrigerated: false
  schedule: null
  storage: Keep it in a dry place.
  directions: {tablet: [Take 1 tablet by mouth once a day.]}
  prescriber: primary care doctor
  cents_per_unit: 9
"""


@pytest.fixture(scope="module")
def drugs() -> DrugTable:
    return demo_drugs()


def test_it_is_a_mail_order_pharmacys_shelf(drugs: DrugTable) -> None:
    assert len({drug.generic for drug in drugs}) >= 210
    assert {drug.schedule for drug in drugs} == {None, "III", "IV", "V"}
    assert not SCHEDULE_TWO & {word for drug in drugs for word in drug.generic.replace(",", "").split()}
    forms = {form for drug in drugs for form in drug.forms}
    assert {"tablet", "capsule", "inhaler", "cream", "eye drops", "patch", "pen", "vial", "oral solution"} <= forms


def test_what_needs_a_fridge_says_so(drugs: DrugTable) -> None:
    cold = {drug.id for drug in drugs if drug.refrigerated}
    assert cold >= COLD
    assert {drug.id for drug in drugs if "fridge" in drug.storage} == cold


def test_every_name_leads_to_its_medicines(drugs: DrugTable) -> None:
    names = drugs.names()
    assert names["glucophage"] == ["metformin"]
    assert names["semaglutide"] == ["semaglutide", "oral-semaglutide"]
    assert "furosemide" in names["water pill"]
    assert {"apixaban", "warfarin"} <= set(names["blood thinner"])
    assert all(name == name.lower() and set(ids) <= set(drugs.by_id) for name, ids in names.items())


def test_each_form_has_directions_that_fit_it(drugs: DrugTable) -> None:
    for drug in drugs:
        assert [d.form for d in drugs.dispensing[drug.id]] == list(drug.forms)
        for dispensing in drugs.dispensing[drug.id]:
            assert dispensing.cents_per_unit > 0
            assert dispensing.strengths
            assert 1 <= len(dispensing.directions) <= 3
            assert all(d[0].isupper() and d.endswith(".") for d in dispensing.directions)
            wrong = {"capsule": "tablet", "tablet": "capsule"}.get(dispensing.form.split()[-1])
            assert not wrong or not any(f"Take 1 {wrong}" in d for d in dispensing.directions)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("schedule: null", "schedule: II", 10, "schedule"),
        ("  storage: Keep it in a dry place.\n", "", 1, "storage"),
        ("generic: metformin", "generic: [metformin]", 2, "generic"),
        ("{tablet: [Take", "{capsule: [Take", 1, "directions must name exactly the forms tablet"),
        ("uses: [type 2 diabetes]", "uses: [type 2 diabetes", 6, "expected"),
        ("  prescriber:", "  prescribr: x\n  prescriber:", 13, "prescribr"),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    path = tmp_path / "drugs.yaml"
    path.write_text(ENTRY.replace(old, new))
    with pytest.raises(DrugErrors) as caught:
        read_drugs(path)
    assert caught.value.mistakes[0].startswith(f"{path}:{line}: ")
    assert said in caught.value.mistakes[0]


def test_an_id_stands_once(tmp_path: Path) -> None:
    path = tmp_path / "drugs.yaml"
    path.write_text(ENTRY + ENTRY)
    with pytest.raises(DrugErrors, match=r":15: the id metformin"):
        read_drugs(path)
    assert DRUGS.is_file()
