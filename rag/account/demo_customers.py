"""The three demo customers, made by hand so that a demonstration has something to show.

C-10001 Maria Delgado: metformin on its way by UPS, an order delivered, lisinopril with 2 refills left.
C-10002 James Okafor: an order that waits for insurance, a pen that needs a fridge, a late parcel, a move in progress.
C-10003 Linh Tran: expired and used-up prescriptions, a back order, a cancelled order, Plus, auto-refill.
"""

from __future__ import annotations

import datetime as dt
from random import Random

from rag.account import people
from rag.account.book import Customer, Order, Transfer, TransferStage
from rag.account.business_days import add_business_days, next_shipping_day
from rag.account.drugs import DrugTable
from rag.account.numbers import Numbers
from rag.account.people import Place
from rag.account.person import Person, moment, order_of
from rag.account.script import Script
from rag.account.timeline import ENDLESS, Plan, at_hour


def demo_people(today: dt.date, drugs: DrugTable, numbers: Numbers) -> list[Person]:
    return [_maria(today, drugs, numbers), _james(today, drugs, numbers), _linh(today, drugs, numbers)]


class _Maker:
    """Shared by the three: one customer, one random stream, short calls for scripts and orders."""

    def __init__(self, customer: Customer, place: Place, today: dt.date, drugs: DrugTable, numbers: Numbers) -> None:
        self.customer, self.place, self.today, self.drugs, self.numbers = customer, place, today, drugs, numbers
        self.rng = Random(f"{customer.id}/{today}")
        self.scripts: list[Script] = []
        self.orders: list[Order] = []

    def script(
        self,
        number: str,
        drug_id: str,
        strength: str,
        *,
        age: int,
        days: int,
        refills: int,
        doctor: str,
        copay: int,
        directions: int = 0,
        auto: bool = False,
    ) -> Script:
        """Of the medicine's first form; `age` in days, `directions` by place in drugs.yaml."""
        dispensing = self.drugs.dispensing[drug_id][0]
        assert strength in dispensing.strengths, (drug_id, strength)
        script = Script(
            id=self.numbers.take(number),
            drug=self.drugs.by_id[drug_id],
            dispensing=dispensing,
            strength=strength,
            directions=dispensing.directions[directions],
            days=days,
            refills=refills,
            written_on=self.today - dt.timedelta(days=age),
            prescriber=doctor,
            copay=copay,
            auto_refill=auto,
        )
        self.scripts.append(script)
        return script

    def order(
        self,
        number: str,
        scripts: list[Script],
        placed: dt.date,
        speed: str = "standard",
        *,
        wait: str = "",
        late: int = 0,
        end: str = "",
        cold: bool = False,
        carrier: str = "",
        scans: bool = True,
    ) -> Order:
        """An order placed on that day; `carrier` draws again until that one carries it."""
        placed_at = min(at_hour(placed, self.rng, 14, 15), moment(self.today) - dt.timedelta(minutes=50))
        plan = Plan(
            placed_at=placed_at,
            place=self.place,
            speed=speed,
            cold=cold,
            wait=wait,
            end=end,
            late_days=late,
            wait_days=ENDLESS if wait else 0,
            carrier=carrier,
            scans=scans,
        )
        order = order_of(self.rng, self.customer, plan, scripts, self.today, self.numbers.take(number))
        self.orders.append(order)
        return order

    def back(self, business_days: int) -> dt.date:
        return add_business_days(self.today, -business_days)

    def person(self, transfers: tuple[Transfer, ...] = ()) -> Person:
        orders = sorted(self.orders, key=lambda order: order.placed_at, reverse=True)
        prescriptions = [script.prescription(self.customer.id, self.today) for script in self.scripts]
        return Person(self.customer, prescriptions, orders, list(transfers))


def _place(city: str) -> Place:
    return next(place for place in people.PLACES if place.city == city)


def _maria(today: dt.date, drugs: DrugTable, numbers: Numbers) -> Person:
    customer = Customer(
        id="C-10001",
        name="Maria Delgado",
        email="maria.delgado@example.com",
        phone="619-555-0117",
        address="2418 Juniper St, San Diego, CA 92104",
        state="CA",
        time_zone="America/Los_Angeles",
        insurance="Blue Prairie PPO",
        insurance_last4="4471",
        plus_member=False,
    )
    m = _Maker(customer, _place("San Diego"), today, drugs, numbers)
    doctor = "Dr. Priya Raman"
    metformin = m.script("RX-10482231", "metformin", "500 mg", age=24, days=30, refills=5, doctor=doctor, copay=500)
    lisinopril = m.script("RX-10482232", "lisinopril", "10 mg", age=24, days=90, refills=2, doctor=doctor, copay=800)
    statin = m.script(
        "RX-10482233",
        "atorvastatin",
        "20 mg",
        age=24,
        days=90,
        refills=3,
        doctor=doctor,
        copay=800,
        directions=1,
        auto=True,
    )
    m.script(
        "RX-10517740",
        "albuterol",
        "90 mcg/puff",
        age=19,
        days=30,
        refills=2,
        doctor="Dr. Samuel Brandt",
        copay=2500,
    )
    m.script(
        "RX-10630118",
        "fluticasone-nasal-spray",
        "50 mcg/spray",
        age=2,
        days=30,
        refills=5,
        doctor="Dr. Samuel Brandt",
        copay=1000,
    )
    m.order("FH-2047113", [lisinopril, statin], m.back(15), carrier="USPS")
    m.order("FH-2051846", [metformin], m.back(2), carrier="UPS", scans=False)
    return m.person()


def _james(today: dt.date, drugs: DrugTable, numbers: Numbers) -> Person:
    customer = Customer(
        id="C-10002",
        name="James Okafor",
        email="james.okafor@example.com",
        phone="404-555-0162",
        address="731 Prospect Ave, Apt 4B, Atlanta, GA 30307",
        state="GA",
        time_zone="America/New_York",
        insurance="Northlight Gold PPO",
        insurance_last4="9026",
        plus_member=False,
    )
    m = _Maker(customer, _place("Atlanta"), today, drugs, numbers)
    endo, heart = "Dr. Helen Marsh", "Dr. Victor Nwosu"
    pen = m.script("RX-20311457", "semaglutide", "0.5 mg/dose", age=9, days=30, refills=11, doctor=endo, copay=4500)
    jardiance = m.script("RX-20311458", "empagliflozin", "10 mg", age=9, days=30, refills=11, doctor=endo, copay=3500)
    apixaban = m.script("RX-20287003", "apixaban", "5 mg", age=21, days=30, refills=11, doctor=heart, copay=4500)
    metoprolol = m.script(
        "RX-20287004",
        "metoprolol-succinate",
        "50 mg",
        age=21,
        days=90,
        refills=3,
        doctor=heart,
        copay=1000,
    )
    m.order("FH-3180275", [apixaban, metoprolol], m.back(9), late=6, carrier="FedEx")
    m.order("FH-3184410", [jardiance], m.back(4), wait="insurance")
    _pen_order(m, pen)
    requested = m.back(2)
    transfer = Transfer(
        id=numbers.take("TR-481920"),
        customer_id=customer.id,
        direction="in",
        drug="rosuvastatin",
        other_pharmacy="Lakeside Apothecary, Atlanta, GA",
        stage=TransferStage.CONTACTING,
        requested_on=requested,
        updated_on=m.back(1),
        expected_on=add_business_days(requested, 4),
        reason=None,
    )
    return m.person((transfer,))


def _pen_order(m: _Maker, pen: Script) -> None:
    """The pen is being packed: it leaves on the next day on which a cold box may, and never before tomorrow."""
    leaves = next_shipping_day(m.today + dt.timedelta(days=1), cold=True)
    placed = m.back(1)
    placed_at = at_hour(placed, m.rng, 20, 21)
    plan = Plan(placed_at=placed_at, place=m.place, speed="overnight", cold=True, carrier="UPS", leaves=leaves)
    m.orders.append(order_of(m.rng, m.customer, plan, [pen], m.today, m.numbers.take("FH-3186092")))


def _linh(today: dt.date, drugs: DrugTable, numbers: Numbers) -> Person:
    customer = Customer(
        id="C-10003",
        name="Linh Tran",
        email="linh.tran@example.com",
        phone="713-555-0188",
        address="5602 Magnolia Blvd, Houston, TX 77008",
        state="TX",
        time_zone="America/Chicago",
        insurance="Cedar Valley Health HMO",
        insurance_last4="3308",
        plus_member=True,
    )
    m = _Maker(customer, _place("Houston"), today, drugs, numbers)
    doctor, other = "Dr. Andrew Castillo", "Dr. Mei Zhao"
    sertraline = m.script("RX-30577120", "sertraline", "50 mg", age=402, days=90, refills=2, doctor=other, copay=500)
    thyroid = m.script("RX-30577121", "levothyroxine", "75 mcg", age=331, days=90, refills=0, doctor=doctor, copay=500)
    losartan = m.script(
        "RX-30611894",
        "losartan",
        "50 mg",
        age=40,
        days=30,
        refills=11,
        doctor=doctor,
        copay=500,
        auto=True,
    )
    propranolol = m.script("RX-30611895", "propranolol", "20 mg", age=12, days=30, refills=5, doctor=doctor, copay=500)
    ondansetron = m.script("RX-30640552", "ondansetron", "4 mg", age=45, days=30, refills=1, doctor=other, copay=1000)
    m.order("FH-4090356", [sertraline, thyroid], m.back(60), carrier="UPS")
    m.order("FH-4102938", [ondansetron], m.back(28), end="cancelled")
    m.order("FH-4106617", [losartan], m.back(17), "expedited", carrier="USPS")
    m.order("FH-4109253", [propranolol], m.back(5), wait="stock")
    return m.person()
