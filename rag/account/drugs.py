"""The medicines that the pharmacy carries, read strictly from `drugs.yaml`.

`read_drugs(path)` gives a `DrugTable` or raises `DrugErrors`, which names file and line of each mistake.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from rag.account.book import Drug
from rails.strict_yaml import FileErrors, line_of, read_strict


class DrugErrors(FileErrors):
    """Mistakes in the table of medicines."""


@dataclass(frozen=True)
class Dispensing:
    """How one form of a medicine is usually dispensed; for generated data only."""

    form: str
    strengths: tuple[str, ...]
    directions: tuple[str, ...]
    cents_per_unit: int
    units_per_30_days: int | None  # None: counted from the directions
    prescriber: str
    short_course: bool  # an antibiotic: one fill, no refills


class DrugEntry(BaseModel):
    """One entry of the file. Fields that differ by form are a mapping from form to value."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)
    generic: str = Field(min_length=2)
    brands: list[str] = Field(min_length=1)
    drug_class: str = Field(min_length=2)
    uses: list[str] = Field(min_length=1)
    everyday_names: list[str] = Field(min_length=1)
    forms: list[str] = Field(min_length=1)
    strengths: list[str] | dict[str, list[str]] = Field(min_length=1)
    refrigerated: bool
    schedule: Literal["III", "IV", "V"] | None
    storage: str = Field(min_length=10)
    directions: dict[str, list[str]] = Field(min_length=1)
    prescriber: str
    cents_per_unit: int | dict[str, int]
    units_per_30_days: int | dict[str, int] | None = None
    short_course: bool = False

    @model_validator(mode="after")
    def _forms_agree(self) -> DrugEntry:
        for name in ("strengths", "directions", "cents_per_unit", "units_per_30_days"):
            value = getattr(self, name)
            if isinstance(value, dict) and set(value) != set(self.forms):
                raise ValueError(f"{name} must name exactly the forms {', '.join(self.forms)}")
        return self

    def drug(self) -> Drug:
        return Drug(
            id=self.id,
            generic=self.generic,
            brands=tuple(self.brands),
            drug_class=self.drug_class,
            uses=tuple(self.uses),
            everyday_names=tuple(self.everyday_names),
            forms=tuple(self.forms),
            strengths=tuple(dict.fromkeys(s for form in self.forms for s in _of(self.strengths, form))),
            refrigerated=self.refrigerated,
            schedule=self.schedule,
            storage=self.storage,
        )

    def dispensing(self) -> tuple[Dispensing, ...]:
        return tuple(
            Dispensing(
                form=form,
                strengths=tuple(_of(self.strengths, form)),
                directions=tuple(self.directions[form]),
                cents_per_unit=_of(self.cents_per_unit, form),
                units_per_30_days=_of(self.units_per_30_days, form),
                prescriber=self.prescriber,
                short_course=self.short_course,
            )
            for form in self.forms
        )


class DrugTable:
    """All medicines in the order of the file."""

    def __init__(self, drugs: Sequence[Drug], dispensing: dict[str, tuple[Dispensing, ...]] | None = None) -> None:
        self.by_id: dict[str, Drug] = {drug.id: drug for drug in drugs}
        self.dispensing = dispensing or {}  # by drug id, one for each form

    def __iter__(self) -> Iterator[Drug]:
        return iter(self.by_id.values())

    def __len__(self) -> int:
        return len(self.by_id)

    def names(self) -> dict[str, list[str]]:
        """Every generic, brand and everyday name in lower case -> ids of the medicines it may mean, in file order."""
        found: dict[str, list[str]] = {}
        for drug in self:
            for name in dict.fromkeys(n.lower() for n in (drug.generic, *drug.brands, *drug.everyday_names)):
                found.setdefault(name, []).append(drug.id)
        return found


ENTRIES = TypeAdapter(list[DrugEntry])


def read_drugs(path: Path) -> DrugTable:
    """The table from `drugs.yaml`. Raises `DrugErrors`."""
    entries = read_strict(path, ENTRIES, DrugErrors)
    seen: set[str] = set()
    for n, entry in enumerate(entries):
        if entry.id in seen:
            raise DrugErrors([f"{path}:{line_of(path, (n, 'id'))}: the id {entry.id} stands here a second time"])
        seen.add(entry.id)
    return DrugTable([entry.drug() for entry in entries], {entry.id: entry.dispensing() for entry in entries})


def _of(value: Any, form: str) -> Any:
    return value[form] if isinstance(value, dict) else value
