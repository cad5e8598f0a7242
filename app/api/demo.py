"""Demo sign-in: a token for one of the demo customers or for staff, for anybody who asks. Only where PESTLE_DEMO is on."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, StrictStr, StringConstraints

from app.api.documented import problems
from app.api.problems import Problem
from app.api.services import Served
from app.store.conversations import storable
from rag.account.book import Account, AccountBook, OrderStatus

CUSTOMERS = ("C-10001", "C-10002", "C-10003")
OPEN = {
    OrderStatus.RECEIVED: "being checked",
    OrderStatus.IN_REVIEW: "being checked",
    OrderStatus.WAITING: "waiting",
    OrderStatus.PREPARING: "being packed",
    OrderStatus.SHIPPED: "on the way",
    OrderStatus.OUT_FOR_DELIVERY: "arriving today",
}


class DemoCustomer(BaseModel):
    id: str
    name: str
    about: str


class DemoCustomers(BaseModel):
    customers: list[DemoCustomer]


class SignIn(BaseModel):
    customer_id: StrictStr


class StaffSignIn(BaseModel):
    """`name` is what customers and colleagues see. The id has the role in it: anybody may pick anybody's name."""

    role: Literal["agent", "pharmacist", "admin", "evaluator"]
    name: Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=48)]


class SignedIn(BaseModel):
    token: str


async def only_in_demo(served: Served) -> AccountBook:
    """Raises a 404 `Problem` where real customers are served: by the setting, or by where the accounts come from."""
    if not served.settings.demo or served.book is None or not await served.read(served.book.made_up):
        raise Problem("not-found", "Demo sign-in is turned off here; sign in with the pharmacy's own account page.")
    return served.book


router = APIRouter(prefix="/v1/demo", tags=["demo"], dependencies=[Depends(only_in_demo)])


@router.get("/customers", responses=problems(404, 503))
async def customers(served: Served) -> DemoCustomers:
    """The demo customers that there are, each with a line on what there is to ask about."""
    book = await only_in_demo(served)
    accounts = await served.read(lambda: [account for key in CUSTOMERS if (account := book.account(key))])
    return DemoCustomers(
        customers=[DemoCustomer(id=a.customer.id, name=a.customer.name, about=about(a)) for a in accounts]
    )


@router.post("/token", responses=problems(400, 404, 413, 415, 503))
async def token(sign_in: SignIn, served: Served) -> SignedIn:
    """Signs in as a demo customer."""
    if sign_in.customer_id not in CUSTOMERS:
        raise Problem("not-found", "That is no demo customer; GET /v1/demo/customers lists them.")
    return SignedIn(token=served.tokens.mint("customer", sign_in.customer_id))


@router.post("/staff-token", responses=problems(400, 404, 413, 415, 503))
async def staff_token(sign_in: StaffSignIn, served: Served) -> SignedIn:
    """Signs in as a member of staff of any role, under any name."""
    name = storable(sign_in.name)
    return SignedIn(token=served.tokens.mint(sign_in.role, f"{name} ({sign_in.role})", name))


def about(account: Account) -> str:
    """A line such as "5 orders (1 on the way, 1 waiting), 4 prescriptions, 1 transfer, Plus member"."""
    states = Counter(OPEN[order.status] for order in account.orders if order.status in OPEN)
    orders = _count(len(account.orders), "order")
    if states:
        orders += f" ({', '.join(f'{n} {state}' for state, n in states.items())})"
    said = [orders, _count(len(account.prescriptions), "prescription")]
    if account.transfers:
        said.append(_count(len(account.transfers), "transfer"))
    if account.customer.plus_member:
        said.append("Plus member")
    return ", ".join(said)


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
