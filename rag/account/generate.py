"""A believable imaginary pharmacy: customers, prescriptions, orders, transfers and stock around a given day.

`generate(seed, today)` is deterministic: each customer has a random stream of their own. The first three customers
are made by hand for demonstrations (`demo_customers`).
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path
from random import Random

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from rag.account import people, schema
from rag.account.book import AccountError, Order, StockLevel
from rag.account.business import Business, Progress, write
from rag.account.business_days import add_business_days
from rag.account.demo_customers import demo_people
from rag.account.drugs import DrugTable, read_drugs
from rag.account.numbers import Numbers
from rag.account.person import Person, make_person
from rag.account.sql import explain

__all__ = ["Business", "ensure_demo", "generate", "write"]

DRUGS = Path(__file__).resolve().parents[2] / "knowledge_base" / "drugs.yaml"
DEMO_SEED = 20
RECIPE = "1"  # raise it when the generator changes: demo data of an older recipe is made again
FIRST_NUMBER = 10_001


def generate(seed: int, today: dt.date, customers: int = 2000, drugs: DrugTable | None = None) -> Business:
    """The business as it stands on `today` at 14 UTC; `customers` counts the demo customers too."""
    drugs = drugs or demo_drugs()
    numbers = Numbers(Random(f"{seed}/{today}/numbers"))
    made: list[Person] = demo_people(today, drugs, numbers)[:customers]
    for number in range(FIRST_NUMBER + len(made), FIRST_NUMBER + customers):
        made.append(make_person(number, Random(f"{seed}/{today}/{number}"), today, drugs, numbers))
    orders = tuple(order for person in made for order in person.orders)
    return Business(
        seed=seed,
        today=today,
        customers=tuple(person.customer for person in made),
        prescriptions=tuple(p for person in made for p in person.prescriptions),
        orders=orders,
        transfers=tuple(transfer for person in made for transfer in person.transfers),
        stock=make_stock(Random(f"{seed}/{today}/stock"), today, drugs, orders),
    )


def make_stock(rng: Random, today: dt.date, drugs: DrugTable, orders: tuple[Order, ...]) -> tuple[StockLevel, ...]:
    """Units by medicine and centre. What an order waits for is missing in its centre; a few others are missing too."""
    missing = {
        (line.drug_id, line.strength, line.form, order.center)
        for order in orders
        if order.waiting_for == "stock"
        for line in order.lines
    }
    levels: list[StockLevel] = []
    for drug in drugs:
        for dispensing in drugs.dispensing[drug.id]:
            for strength in dispensing.strengths:
                back_order = rng.random() < 0.04
                for center in people.CENTERS:
                    out = (drug.id, strength, dispensing.form, center) in missing or (back_order and rng.random() < 0.7)
                    units = 0 if out else rng.randint(20, 6000)
                    back_on = add_business_days(today, rng.randint(3, 22)) if out else None
                    levels.append(StockLevel(drug.id, drug.generic, strength, dispensing.form, center, units, back_on))
    return tuple(levels)


def ensure_demo(url: str, today: dt.date, progress: Progress | None = None) -> bool:
    """Create the demo data where the database is empty or holds the demo of another day; True when it was written.

    A database that holds anything else is a business's own and is left alone.
    """
    wanted = {"origin": "demo", "today": today.isoformat(), "seed": str(DEMO_SEED), "recipe": RECIPE}
    engine = schema.open_engine(url)
    try:
        schema.create_schema(engine)
        with engine.connect() as connection:
            meta = {str(key): str(value) for key, value in connection.execute(select(schema.account_meta))}
            tables = (schema.customers, schema.orders, schema.prescriptions, schema.transfers, schema.stock)
            rows = sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
    except SQLAlchemyError as error:
        raise AccountError(explain(error, engine.url.render_as_string(hide_password=True))) from error
    finally:
        engine.dispose()
    if meta == wanted or (rows and meta.get("origin") != "demo"):
        return False
    write(generate(DEMO_SEED, today), url, progress, wanted)
    return True


@cache
def demo_drugs() -> DrugTable:
    return read_drugs(DRUGS)
