"""Believable people for generated data: names of many origins, addresses in the states that are served, insurers."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

# origin: weight; women's first names; men's first names; family names
_NAMES = """
36; Emily Hannah Sarah Karen Susan Linda Megan Rachel Donna Laura Ashley Nancy Carol Jessica; Michael David Robert Kevin Brian Scott Eric Gary Tyler Daniel Mark Jeffrey Paul Steven; Miller Johnson Anderson Clark Walker Young Harris Bennett Hughes Foster Reed Sullivan Murphy Parker Collins Baker
20; Maria Carmen Lucia Gabriela Rosa Elena Sofia Daniela Ana Isabel Veronica Claudia; Jose Luis Carlos Miguel Diego Javier Alejandro Rafael Hector Manuel Andres Ricardo; Garcia Rodriguez Martinez Hernandez Lopez Ramirez Torres Flores Delgado Castillo Morales Ortiz Vargas Fuentes
13; Keisha Denise Tanya Monique Latoya Jasmine Ebony Imani Gloria Simone; Darnell Marcus Terrence Jamal Andre Malik Reginald Isaiah Curtis Tyrone; Washington Jefferson Banks Coleman Booker Gaines Mosley Tillman Ransom Whitfield
5; Wei Mei Xiu Li Jing Yan Hui Grace; Jun Hao Ming Jian Kevin Bo Lei Jason; Chen Wang Liu Zhang Huang Lin Wu Zhao
6; Priya Anjali Meera Kavita Sunita Deepa Lakshmi Nisha; Raj Arjun Vikram Sanjay Rahul Anil Suresh Karthik; Patel Sharma Reddy Iyer Singh Gupta Nair Desai
4; Linh Mai Thuy Hoa Lan Ngoc; Minh Duc Huy Tuan Khanh Long; Nguyen Tran Le Pham Vo Dang
3; Ji-woo Soo-jin Min-ji Eun-ji Hana; Min-jun Sung-ho Joon Hyun-woo Daniel; Kim Park Choi Lee Jung
3; Maricel Luz Rowena Cherry Jocelyn; Ramon Ernesto Jericho Rodel Paolo; Santos Reyes Cruz Bautista Aquino
4; Fatima Layla Amira Noor Zahra Yasmin; Omar Ahmed Youssef Karim Hassan Tariq; Haddad Khalil Mansour Farah Rahman Aziz
3; Adaeze Ngozi Amara Abena Yetunde; Chinedu Emeka Kwame Kofi Tunde; Okafor Adeyemi Mensah Eze Boateng
3; Olga Natalia Irina Katarzyna Svetlana; Dmitri Pavel Andrzej Ivan Sergei; Kowalski Ivanov Petrov Nowak Shevchenko
2; Leilani Aiyana Winona Dakota; Kai Sequoia Elan Koa; Begay Yazzie Tsosie Benally
2; Noa Miriam Talia Shira; Ari Eitan Yosef Levi; Cohen Levine Friedman Shapiro
"""

# state; time zone; fulfilment centre; standard days; city ZIP area-code, ...
_PLACES = """
AL;America/Chicago;Columbus;4;Birmingham 35203 205,Huntsville 35801 256
AZ;America/Phoenix;Phoenix;3;Phoenix 85014 602,Tucson 85712 520,Mesa 85203 480
AR;America/Chicago;Columbus;4;Little Rock 72205 501
CA;America/Los_Angeles;Phoenix;3;Los Angeles 90026 213,San Diego 92104 619,Sacramento 95816 916,Fresno 93704 559,San Jose 95112 408,Oakland 94610 510
CO;America/Denver;Phoenix;4;Denver 80218 303,Fort Collins 80524 970
CT;America/New_York;Allentown;3;Hartford 06105 860
DE;America/New_York;Allentown;3;Wilmington 19806 302
DC;America/New_York;Allentown;3;Washington 20009 202
FL;America/New_York;Columbus;5;Miami 33133 305,Orlando 32803 407,Tampa 33606 813,Jacksonville 32205 904
GA;America/New_York;Columbus;4;Atlanta 30307 404,Savannah 31401 912
ID;America/Boise;Phoenix;5;Boise 83702 208
IL;America/Chicago;Columbus;3;Chicago 60618 773,Springfield 62704 217,Peoria 61614 309
IN;America/Indiana/Indianapolis;Columbus;3;Indianapolis 46220 317,Fort Wayne 46807 260
IA;America/Chicago;Columbus;4;Des Moines 50312 515
KS;America/Chicago;Columbus;4;Wichita 67208 316
KY;America/New_York;Columbus;3;Louisville 40204 502,Lexington 40502 859
ME;America/New_York;Allentown;4;Portland 04103 207
MD;America/New_York;Allentown;3;Baltimore 21218 410,Frederick 21701 301
MA;America/New_York;Allentown;3;Boston 02130 617,Worcester 01609 508
MI;America/Detroit;Columbus;3;Detroit 48226 313,Grand Rapids 49506 616
MN;America/Chicago;Columbus;4;Minneapolis 55408 612,Duluth 55804 218
MS;America/Chicago;Columbus;4;Jackson 39216 601
MO;America/Chicago;Columbus;4;St. Louis 63116 314,Kansas City 64113 816
MT;America/Denver;Phoenix;5;Missoula 59801 406
NE;America/Chicago;Columbus;4;Omaha 68132 402
NV;America/Los_Angeles;Phoenix;3;Las Vegas 89107 702,Reno 89509 775
NH;America/New_York;Allentown;3;Manchester 03104 603
NJ;America/New_York;Allentown;3;Newark 07104 973,Trenton 08618 609
NM;America/Denver;Phoenix;3;Albuquerque 87106 505
NY;America/New_York;Allentown;3;Brooklyn 11215 718,Buffalo 14222 716,Albany 12208 518,Rochester 14607 585
NC;America/New_York;Columbus;4;Charlotte 28205 704,Raleigh 27607 919
OH;America/New_York;Columbus;3;Columbus 43214 614,Cleveland 44111 216,Dayton 45419 937
OK;America/Chicago;Phoenix;4;Tulsa 74104 918,Norman 73069 405
OR;America/Los_Angeles;Phoenix;5;Portland 97214 503,Eugene 97405 541
PA;America/New_York;Allentown;3;Philadelphia 19147 215,Pittsburgh 15217 412,Scranton 18510 570
RI;America/New_York;Allentown;3;Providence 02906 401
SC;America/New_York;Columbus;4;Charleston 29407 843
SD;America/Chicago;Columbus;5;Sioux Falls 57105 605
TN;America/Chicago;Columbus;4;Nashville 37206 615,Memphis 38104 901
TX;America/Chicago;Phoenix;4;Houston 77008 713,Dallas 75206 214,Austin 78704 512,San Antonio 78209 210,El Paso 79902 915
UT;America/Denver;Phoenix;4;Salt Lake City 84105 801
VT;America/New_York;Allentown;4;Burlington 05401 802
VA;America/New_York;Allentown;3;Richmond 23220 804,Norfolk 23517 757
WA;America/Los_Angeles;Phoenix;5;Seattle 98103 206,Spokane 99203 509
WV;America/New_York;Columbus;3;Charleston 25314 304
WI;America/Chicago;Columbus;4;Milwaukee 53207 414,Madison 53703 608
WY;America/Denver;Phoenix;5;Cheyenne 82001 307
"""

STREETS = (
    "Maple",
    "Oak",
    "Cedar",
    "Elm",
    "Willow",
    "Birch",
    "Juniper",
    "Magnolia",
    "Lincoln",
    "Franklin",
    "Jackson",
    "Highland",
    "Prospect",
    "Park",
    "Lakeview",
    "Ridge",
    "Mill",
    "Church",
    "Spring",
    "Valley",
    "Orchard",
    "Sycamore",
    "Chestnut",
    "Hillcrest",
)
STREET_KINDS = ("St", "Ave", "Rd", "Ln", "Dr", "Ct", "Blvd", "Pl")
PLANS = (
    "Blue Prairie PPO",
    "Blue Prairie HMO",
    "Cedar Valley Health HMO",
    "Northlight Gold PPO",
    "Northlight Silver",
    "Harborstone Choice",
    "Summit Ridge HSA",
    "Lakeshore Mutual PPO",
    "Granite State Employees Plan",
    "Redwood Health EPO",
    "Silverleaf Rx Medicare Part D",
    "Evergreen Senior Medicare Part D",
)
MEDICAID = {
    "AZ": "Arizona Medicaid",
    "MI": "Michigan Medicaid",
    "NJ": "New Jersey Medicaid",
    "OH": "Ohio Medicaid",
    "PA": "Pennsylvania Medicaid",
}
OTHER_PHARMACIES = (
    "Corner Drug",
    "Main Street Pharmacy",
    "Bluebird Pharmacy",
    "Lakeside Apothecary",
    "Family Care Drugs",
    "Parkway Pharmacy",
    "Sunrise Rx",
    "Old Mill Pharmacy",
    "Westgate Drug",
    "Harmony Pharmacy",
)
CENTERS = {"Phoenix": "Phoenix, AZ", "Columbus": "Columbus, OH", "Allentown": "Allentown, PA"}


@dataclass(frozen=True)
class Place:
    state: str
    time_zone: str
    center: str
    standard_days: int  # business days of standard delivery, 3 to 5
    city: str
    zip: str
    area_code: str


def _places() -> tuple[Place, ...]:
    found: list[Place] = []
    for line in _PLACES.strip().splitlines():
        state, zone, center, days, cities = line.split(";")
        for city in cities.split(","):
            name, zip_code, area = city.rsplit(" ", 2)
            found.append(Place(state, zone, center, int(days), name, zip_code, area))
    return tuple(found)


PLACES = _places()
_ORIGINS = [[part.split() for part in line.split(";")] for line in _NAMES.strip().splitlines()]
_WEIGHTS = [int(origin[0][0]) for origin in _ORIGINS]


def name(rng: Random) -> tuple[str, str, str]:
    """First name, family name, "f" or "m". One in eight families has mixed origins."""
    origin = rng.choices(_ORIGINS, _WEIGHTS)[0]
    family = rng.choices(_ORIGINS, _WEIGHTS)[0] if rng.random() < 0.12 else origin
    sex = rng.choice("fm")
    return rng.choice(origin[1 if sex == "f" else 2]), rng.choice(family[3]), sex


def address(rng: Random, place: Place) -> str:
    apartment = f", Apt {rng.randint(1, 12)}{rng.choice('ABCD')}" if rng.random() < 0.3 else ""
    street = f"{rng.randint(12, 9800)} {rng.choice(STREETS)} {rng.choice(STREET_KINDS)}"
    return f"{street}{apartment}, {place.city}, {place.state} {place.zip}"


def email(rng: Random, first: str, last: str, number: int) -> str:
    """Unique by the customer's number; the domains are reserved for examples (RFC 2606)."""
    plain = f"{first}.{last}".lower().replace("'", "").replace("-", "")
    return f"{plain}{number % 100_000}@example.{rng.choice(('com', 'org', 'net'))}"


def phone(rng: Random, place: Place) -> str:
    """555-0100 to 555-0199 are kept for fiction in every area code."""
    return f"{place.area_code}-555-01{rng.randint(0, 99):02d}"


def insurance(rng: Random, state: str) -> str | None:
    if rng.random() < 0.15:
        return None
    if state in MEDICAID and rng.random() < 0.2:
        return MEDICAID[state]
    return rng.choice(PLANS)


def prescriber(rng: Random) -> str:
    first, last, _ = name(rng)
    return f"Dr. {first} {last}"
