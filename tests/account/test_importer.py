"""A business's own files: the example of docs/accounts.md, JSON, and what is said about bad rows."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from app.commands.accounts import app
from rag.account.book import OrderStatus
from rag.account.generate import ensure_demo, generate
from rag.account.importer import Imported, ImportErrors, import_accounts
from rag.account.sql import SqlAccountBook
from rails.strict_yaml import Loader

DOCS = Path(__file__).resolve().parents[2] / "docs" / "accounts.md"
MEMBERS = [
    {"id": "P1", "name": "Ada", "phone": "1"},
    {"id": "P2", "name": "Bo"},
]
MAPPING = """
money: cents
customers: {file: people.json, columns: {id: id, name: name, phone: phone}}
prescriptions:
  file: rx.jsonl
  columns: {id: no, customer_id: who, drug: med.name, strength: med.dose, form: med.form, directions: sig,
            days_supply: days, refills_left: refills, written_on: written, expires_on: until, prescriber: dr,
            status: st}
  statuses: {OK: active}
orders:
  lines_in: items
  columns: {id: no, customer_id: who, placed_at: at, updated_at: changed, status: st, tracking: ship.tracking}
  line_columns: {drug: name, quantity: n, price_cents: price, prescription_id: rx}
  defaults: {status: received}
"""
RX = {
    "no": "RX1",
    "who": "P1",
    "med": {"name": "Metformin", "dose": "500 mg", "form": "tablet"},
    "sig": "Take 1.",
    "days": 30,
    "refills": 2,
    "written": "2026-01-05",
    "until": "2027-01-05",
    "dr": "Dr. X",
    "st": "OK",
}
ORDER = {
    "no": "A1",
    "who": "P1",
    "at": "2026-11-18T10:00:00-05:00",
    "changed": "2026-11-19T10:00:00Z",
    "st": "shipped",
    "ship": {"tracking": "1Z1"},
    "items": [{"name": "Metformin", "n": 60, "price": 500, "rx": "RX1"}, {"name": "Lisinopril", "n": 90, "price": 0}],
}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'accounts.db'}"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The folder with orders.json, people.json, rx.jsonl and mapping.yaml."""
    (tmp_path / "people.json").write_text(json.dumps(MEMBERS))
    (tmp_path / "rx.jsonl").write_text(json.dumps(RX) + "\n")
    (tmp_path / "orders.json").write_text(json.dumps([ORDER, ORDER | {"no": "A2", "who": "P2", "st": ""}], indent=1))
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    return tmp_path


def fails(path: Path, mapping: Path, url: str) -> list[str]:
    with pytest.raises(ImportErrors) as caught:
        import_accounts(path, mapping, url)
    return [mistake.replace(f"{path.parent}/", "") for mistake in caught.value.mistakes]


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The files of the documentation's example."""
    blocks = re.findall(r"```(csv|yaml)\n(.*?)```", DOCS.read_text(), re.DOTALL)
    for (_, content), name in zip(blocks, ("orders.csv", "customers.csv", "mapping.yaml"), strict=True):
        (tmp_path / name).write_text(content)
    return tmp_path


def test_the_documented_example_is_true(example: Path, url: str) -> None:
    done = import_accounts(example / "orders.csv", example / "mapping.yaml", url)
    assert done == Imported(customers=2, prescriptions=0, orders=2)
    account = SqlAccountBook(url).account("7001")
    assert account is not None
    assert account.customer.insurance_last4 == "4471"
    (order,) = account.orders
    assert (order.id, order.status, order.center) == ("A-5001", OrderStatus.SHIPPED, "Columbus")
    assert order.placed_at == dt.datetime(2026, 11, 16, 14, 12, tzinfo=dt.UTC)
    assert order.promised_on == dt.date(2026, 11, 20)
    assert [(line.drug, line.drug_id, line.quantity, line.price_cents, line.insured_cents) for line in order.lines] == [
        ("Metformin", "metformin", 60, 500, 340),
        ("Lisinopril", "lisinopril", 90, 800, 120),
    ]
    other = SqlAccountBook(url).account("7002")
    assert other is not None
    assert (other.orders[0].status, other.orders[0].paid_cents) == (OrderStatus.RECEIVED, 101_900)


def test_json_with_lines_inside(files: Path, url: str) -> None:
    assert import_accounts(files / "orders.json", files / "mapping.yaml", url) == Imported(2, 1, 2)
    book = SqlAccountBook(url)
    account = book.account("P1")
    assert account is not None
    assert account.prescriptions[0].drug == "Metformin"
    assert account.prescriptions[0].refills_left == 2
    assert account.orders[0].tracking == "1Z1"
    assert [(e.status.value, e.at.hour) for e in account.orders[0].history] == [("received", 15), ("shipped", 10)]
    assert {(c.kind, c.id) for c in book.changes(0)} == {("prescription", "RX1"), ("order", "A1"), ("order", "A2")}


def test_importing_again_replaces_and_keeps(files: Path, url: str) -> None:
    import_accounts(files / "orders.json", files / "mapping.yaml", url)
    book = SqlAccountBook(url)
    seq = book.changes(0)[-1].seq
    changed = ORDER | {"st": "delivered", "items": ORDER["items"][:1]}  # type: ignore[index]
    (files / "orders.json").write_text(json.dumps([changed]))
    import_accounts(files / "orders.json", files / "mapping.yaml", url)
    account, other = book.account("P1"), book.account("P2")
    assert account is not None
    assert other is not None
    assert account.orders[0].status is OrderStatus.DELIVERED
    assert len(account.orders[0].lines) == 1
    assert account.orders[0].version > 1
    assert other.orders[0].id == "A2"
    assert "A1" in {change.id for change in book.changes(seq)}


def test_demo_data_leaves_and_does_not_come_back(
    files: Path,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rag.account.generate.generate", lambda seed, today: generate(seed, today, customers=3))
    today = dt.date(2026, 11, 20)
    ensure_demo(url, today)
    book = SqlAccountBook(url)
    seq = book.changes(0)[-1].seq
    import_accounts(files / "orders.json", files / "mapping.yaml", url)
    assert book.customer_ids() == ["P1", "P2"]
    assert "FH-2051846" in {change.id for change in book.changes(seq)}
    assert not ensure_demo(url, today + dt.timedelta(days=1))
    assert book.customer_ids() == ["P1", "P2"]


def test_every_bad_row_is_named_and_nothing_is_stored(example: Path, url: str) -> None:
    with (example / "orders.csv").open("a") as file:
        file.write('A-1,7001,2026-11-20,Lost,UPS,,,"Metformin\nER",500 mg,tablet,many,free,\n')
        file.write("A-2,,11/18/2026 17:40,New,,,,Metformin,,,1,1.005,\n")
        file.write("A-5001,7002,11/16/2026 09:12,New,,,,Metformin,,,1,1.00,\n")
        file.write("A 3,7001,11/16/2026 09:12,New,,,13/45/2026,,,,1,1.00,\n")
    found = fails(example / "orders.csv", example / "mapping.yaml", url)
    assert found == [
        "orders.csv:5: Placed: '2026-11-20' is not a time like %m/%d/%Y %H:%M",
        "orders.csv:5: State: 'Lost' is no status; map it under statuses to one of received, in_review, waiting, "
        "preparing, shipped, out_for_delivery, delivered, cancelled, returned",
        "orders.csv:5: Qty: 'many' is not a whole number",
        "orders.csv:5: YouPay: 'free' is not an amount in dollars",
        "orders.csv:7: CustNo (customer_id) is empty",
        "orders.csv:7: YouPay: '1.005' is not a whole amount of cents",
        "orders.csv:8: order A-5001 differs from its line above in more than the medicine",
        "orders.csv:9: OrderNo: 'A 3' is no number of at most 40 letters, digits and . _ : -",
        "orders.csv:9: Due: '13/45/2026' is not a date like %m/%d/%Y",
        "orders.csv:9: Item (drug) is empty",
    ]
    assert not (example / "accounts.db").exists()


def test_an_order_of_nobody_is_refused_as_a_whole(example: Path, url: str) -> None:
    text = (example / "customers.csv").read_text().replace("7002", "7003")
    (example / "customers.csv").write_text(text)
    found = fails(example / "orders.csv", example / "mapping.yaml", url)
    assert found == ["orders.csv:4: there is no customer 7002; import them too"]
    import_error_left = SqlAccountBook(url)
    with pytest.raises(Exception, match="no tables"):
        import_error_left.customer_ids()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("orders.csv", "OrderNo,CustNo\nA,1\n", "orders.csv:2: the column 'Placed' of the mapping is missing"),
        ("orders.csv", "OrderNo,CustNo\nA\n", "orders.csv:2: has not the 2 columns of the first line"),
        ("orders.csv", b"OrderNo\n\xff\n", "orders.csv:1: can't be read as UTF-8 text"),
        ("orders.json", "{}", "orders.json:1: a .json file must hold a list of objects"),
        ("orders.json", '[\n{"a": 1},\n7]', "orders.json:3: is not an object"),
        ("orders.json", '[\n{"a": 1}\n{"a": 2}]', "orders.json:2: a comma or the end of the list is missing"),
        ("orders.jsonl", '{"a": 1}\n{"a": \n', "orders.jsonl:2: "),
        ("orders.xlsx", "", "orders.xlsx:1: files ending in .xlsx are not read"),
        ("nothing.csv", None, "nothing.csv:1: can't be read"),
    ],
)
def test_files_that_can_not_be_read(example: Path, url: str, name: str, content: str | bytes | None, said: str) -> None:
    if content is not None:
        (example / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    found = fails(example / name, example / "mapping.yaml", url)
    assert any(mistake.startswith(said) for mistake in found), found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"money": "euros"}, "mapping.yaml:4: money: Input should be"),
        ({"time_zone": "Mars/Base"}, "mapping.yaml:3: time_zone: "),
        ({"customers": None, "orders": None}, "mapping.yaml:1: name at least one of"),
        ({"orders": {"columns": {"id": "No"}}}, "mapping.yaml: orders: customer_id has no column and no default"),
        ({"extra": 1}, "mapping.yaml:"),
    ],
)
def test_mistakes_in_the_mapping(example: Path, url: str, change: dict[str, object], said: str) -> None:
    mapping = yaml.load((example / "mapping.yaml").read_text(), Loader) | change
    (example / "mapping.yaml").write_text(yaml.safe_dump(mapping, sort_keys=False))
    found = fails(example / "orders.csv", example / "mapping.yaml", url)
    assert any(mistake.startswith(said) for mistake in found), found


def test_the_command(example: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PESTLE_ACCOUNTS_URL", url)
    monkeypatch.chdir(example)
    call = ["import", str(example / "orders.csv"), "--mapping", str(example / "mapping.yaml")]
    result = CliRunner().invoke(app, call)
    assert (result.exit_code, result.output) == (0, "Imported 2 customers, 0 prescriptions, 2 orders.\n")
    (example / "orders.csv").write_text((example / "orders.csv").read_text().replace("In Transit", "Gone"))
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 1
    assert "orders.csv:2: State: 'Gone' is no status" in result.output
    assert "Nothing was imported: 2 mistakes" in result.output
    monkeypatch.setenv("PESTLE_ACCOUNTS_URL", "https://orders.example")
    assert CliRunner().invoke(app, call).exit_code == 2
