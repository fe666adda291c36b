"""What words of English ask for, as data. No word here is about one database."""

from __future__ import annotations

from typing import Final


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NUMBERS: Final = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100,
}  # fmt: skip
ORDINALS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
SPELLING: Final = {
    "programme": "program", "programmes": "programs", "centre": "center", "theatre": "theater", "organisation":
    "organization", "organisations": "organizations", "licence": "license", "catalogue": "catalog", "grey": "gray",
    "people": "person", "children": "child", "men": "man", "women": "woman", "paid": "pay", "min": "minimum",
    "max": "maximum", "avg": "average", "highest-rated": "rated", "media": "medium",
    "born": "birth",
}  # fmt: skip
ABBREVIATIONS: Final = {
    "acct": "account", "addr": "address", "amt": "amount", "avg": "average", "bal": "balance", "cat": "category",
    "ccy": "currency", "cnt": "number", "cust": "customer", "dept": "department", "desc": "description",
    "dob": "birth date", "dt": "date", "emp": "employee", "fname": "first name", "firstname": "first name",
    "fullname": "full name", "lastname": "last name", "lname": "last name", "lat": "latitude", "lng": "longitude",
    "loc": "location", "max": "maximum", "mgr": "manager", "min": "minimum", "msg": "message", "num": "number",
    "nbr": "number", "org": "organization", "pct": "percentage", "prod": "product", "pwd": "password", "qty":
    "quantity", "ref": "reference", "sku": "product", "tel": "phone", "ts": "time", "tx": "transaction", "txn":
    "transaction", "usr": "user", "username": "user name", "yr": "year", "count": "number", "no": "number",
    "coursename": "course name", "productname": "product name", "singername": "singer name", "zip": "postal code",
    "jobtitle": "job title", "ids": "id",
}  # fmt: skip

# Words that carry nothing: they need no link.
STOP: Final = words(
    """
    a an the of to in on at by for from with without within and or nor but is are was were be been being am do does
    did have has had having this that these those there here it its they them their theirs he she his her him we us
    our you your i me my which who whom whose what when where how why if then than as such so not no any some all
    each every both either neither other others one ones only just also too very can could may might shall should
    will would must please up out about into onto over under per via versus vs between among across along during
    after before since until till while because s t d re etc e g ie show list give get find display provide tell
    return retrieve fetch select see want need know let print name's many much more most less least few fewer
    """
)
# Words that are said of anything: they may stay without a link at a small cost.
LIGHT: Final = words(
    """
    information info detail details data database databases table tables record records row rows list entry entries
    value values result results item items thing things number numbers total count amount different various unique
    distinct specific certain given particular respective respectively corresponding correspond associated associate
    related relate following overall available availability same common equally together including include includes
    included consist exist existing exists located locate based belong belongs part kind kinds type types name names
    named called title titled whose entire whole full complete top bottom highest lowest largest smallest biggest
    greatest fewest best worst average mean median sum minimum maximum ratio percentage percent proportion share
    rate fraction order ordered ordering sort sorted rank ranked ranking descending ascending alphabetical
    alphabetically group grouped vary varies differ change changes compare compared comparison per above below least
    exactly already ever never currently current recent recently latest earliest oldest newest last past next today
    now ago year years month months day days week weeks quarter quarters date dates time times daily weekly monthly
    yearly annual annually first second third id ids identifier using use used uses make made makes making receive
    received receives have having hold holds held get gets got getting take taken takes taking took give gives given
    offer offers offered serve serves served serving provide provides provided write written writes wrote publish
    published posted post posts belong contain contains contained containing run runs running work works worked
    working go goes went come came comes attend attended attends teach taught teaches play plays played visit
    visited visits cost costs happen happened occur occurred occurs place placed places take start starts started
    starting begin begins end ends ended ending release released win won wins earn earned earns earning join joined
    buy bought sell sold spend spent pay paid pays issue issued issues produce produced produces create created
    creates manufactured manufacture supply supplied support supported supports cover covered covers studied study
    design designs designed apply applied share shares live lives lived living stay stays own owns owned owning
    increase increased employ employed employs lead leads led supervise supervised perform performs performed
    performing lasting last lasts lasted open opened close closed consider criteria terms term split return match
    insensitively case sensitive exclude excluding ignore ignoring letter answer integer difference inclusive
    starting result output column columns person persons individuals people someone everyone each letter letters
    city's done does doing side another cases case greater higher lower larger smaller longer shorter older younger
    later earlier bigger exceed exceeds exceeding equal equals presented present presents cited enrolled enroll
    registered register sign signed signup declared assigned assign sent send sends received host hosts hosted
    participate participated found find appear appears carry mention mentioned mentions dedicated stored store
    represent held across throughout regardless respect least successful either exact number's positive negative
    more fewer than yet often anything something anybody somebody popular popularity well help possible combinations
    combination
    """
)
LIST_VERBS: Final = words("show list give display provide tell return retrieve fetch find get print add")
WH: Final = words("what which who whose whom where when how")
RELATIVE: Final = words(
    """
    with without that who which whose where having has have had for from in at by on of using named called
    containing located between within under over above below after before since during
    """
)

HIGH: Final = words(
    """
    highest largest biggest greatest maximum most top best longest oldest tallest heaviest max latest newest recent
    priciest richest
    """
)
LOW: Final = words(
    """
    lowest smallest least minimum fewest cheapest worst shortest youngest lightest min earliest first bottom
    """
)  # fmt: skip
# Superlatives and comparatives that name what is compared: stems of columns that fit, best first.
IMPLIED: Final = {
    "cheapest": ("price", "cost", "fee", "fare", "amount"), "cheaper": ("price", "cost", "fee", "fare", "amount"),
    "priciest": ("price", "cost", "fare"), "expensive": ("price", "cost", "fee", "fare", "amount"),
    "longest": ("duration", "length", "runtime"), "shortest": ("duration", "length", "runtime"),
    "longer": ("duration", "length", "runtime"), "shorter": ("duration", "length", "runtime"),
    "long": ("duration", "length", "runtime"), "lasting": ("duration", "length", "runtime"),
    "lasts": ("duration", "length", "runtime"), "run": ("duration", "length", "runtime"),
    "oldest": ("age", "birth", "born", "founded", "established", "built", "year"),
    "older": ("age",), "younger": ("age",),
    "youngest": ("age", "birth"), "tallest": ("height", "elevation"), "taller": ("height",),
    "heaviest": ("weight",), "heavier": ("weight",), "biggest": ("size", "area", "population", "capacity"),
    "largest": ("size", "area", "population", "capacity"), "smallest": ("size", "area", "population", "capacity"),
    "best": ("rating", "score", "rank", "grade", "gpa"), "worst": ("rating", "score", "rank", "grade", "gpa"),
    "rated": ("rating", "score"), "highest": ("elevation", "height", "altitude", "rating", "score"),
    "latest": ("date", "time", "year"), "newest": ("date", "time", "year"), "recent": ("date", "time", "year"),
    "earliest": ("date", "time", "year"), "popular": ("popularity", "views", "likes"),
    "fastest": ("speed",), "faster": ("speed",), "deepest": ("depth",), "earn": ("salary", "wage", "income"),
    "earns": ("salary", "wage", "income"), "paid": ("salary", "wage"), "cost": ("price", "cost", "fee"),
    "costs": ("price", "cost", "fee"), "priced": ("price",), "hold": ("capacity",), "holds": ("capacity",),
    "valuable": ("value", "worth", "price"), "capacity": ("capacity", "maximum"),
    "salary": ("salary", "wage", "income"),
}  # fmt: skip
TIME_SUPERLATIVES: Final = {"latest": True, "newest": True, "recent": True, "earliest": False, "oldest": False}

AGGREGATES: Final = {
    "average": "avg",
    "mean": "avg",
    "total": "sum",
    "sum": "sum",
    "maximum": "max",
    "minimum": "min",
    "median": "median",
    "highest": "max",
    "lowest": "min",
    "largest": "max",
    "smallest": "min",
    "combined": "sum",
    "overall": "sum",
    "max": "max",
    "min": "min",
    "avg": "avg",
}
# Words before a number, longest first.
COMPARISONS: Final = (
    ("greater than or equal to", ">="),
    ("more than or equal to", ">="),
    ("less than or equal to", "<="),
    ("no more than", "<="),
    ("not more than", "<="),
    ("no less than", ">="),
    ("no fewer than", ">="),
    ("at least", ">="),
    ("at most", "<="),
    ("up to", "<="),
    ("a minimum of", ">="),
    ("a maximum of", "<="),
    ("minimum of", ">="),
    ("maximum of", "<="),
    ("not equal to", "!="),
    ("equal to", "="),
    ("more than", ">"),
    ("greater than", ">"),
    ("higher than", ">"),
    ("larger than", ">"),
    ("bigger than", ">"),
    ("longer than", ">"),
    ("older than", ">"),
    ("taller than", ">"),
    ("later than", ">"),
    ("more expensive than", ">"),
    ("less expensive than", "<"),
    ("heavier than", ">"),
    ("faster than", ">"),
    ("slower than", "<"),
    ("lighter than", "<"),
    ("over", ">"),
    ("above", ">"),
    ("exceeding", ">"),
    ("exceeds", ">"),
    ("exceed", ">"),
    ("less than", "<"),
    ("fewer than", "<"),
    ("lower than", "<"),
    ("smaller than", "<"),
    ("shorter than", "<"),
    ("younger than", "<"),
    ("earlier than", "<"),
    ("cheaper than", "<"),
    ("below", "<"),
    ("under", "<"),
    ("after", ">"),
    ("since", ">="),
    ("before", "<"),
    ("prior to", "<"),
    (">=", ">="),
    ("<=", "<="),
    (">", ">"),
    ("<", "<"),
    ("!=", "!="),
    ("=", "="),
    ("exactly", "="),
    ("on or after", ">="),
    ("on or before", "<="),
)
ANTONYMS: Final = {
    "closed": "open", "inactive": "active", "unavailable": "available", "disabled": "enabled", "unverified": "verified",
    "invalid": "valid", "unpaid": "paid", "incomplete": "complete", "unpublished": "published", "private": "public",
}  # fmt: skip

# A general word and the words of columns that it may mean. A clarification asks which, where two fit.
HYPERNYMS: Final = {
    "location": "city state country address street region county building room venue hall place town block area zip",
    "place": "city state country address street region building room venue hall location town block",
    "where": "city state country address street building room venue hall location place town block region",
    "cost": "price fee expense charge amount cost insurance payment fare rate tariff",
    "price": "price cost fee amount fare rate",
    "charge": "fee commission charge tax cost surcharge tip",
    "expense": "expense cost fee amount",
    "money": "amount price salary balance cost fee revenue income",
    "earn": "salary wage income compensation",
    "pay": "salary wage income compensation",
    "worth": "value worth price",
    "valuabl": "value worth price",
    "salary": "salary wage income pay compensation bonus",
    "background": "education experience history qualification degree",
    "qualification": "education degree certification experience skill",
    "contact": "email phone address telephone mobile fax",
    "creator": "author composer choreographer musician director writer artist designer producer founder",
    "creat": "author composer choreographer musician director writer artist designer producer founder",
    "issuer": "bank branch company agency institution organization authority",
    "issu": "bank branch company agency institution organization authority",
    "size": "size area length width height capacity population weight volume square",
    "statist": "rate number average percentage count ratio score",
    "alloc": "percentage value amount share",
    "measur": "length width height weight size",
    "dimens": "length width height depth",
    "effect": "effect effectiveness impact",
    "time": "time date duration hour year",
    "period": "start end duration date year",
    "date": "date time year day month",
    "perform": "artist performer singer band musician actor",
    "genre": "genre category type style",
    "categori": "category type genre class kind group",
    "type": "type category kind class genre",
    "kind": "type category kind class genre",
    "job": "job position role profession occupation title",
    "profess": "profession occupation job position role",
    "author": "author writer",
    "writer": "author writer",
    "result": "result outcome score",
    "score": "score rating grade points",
    "rate": "rating score",
    "durat": "duration length time runtime minutes",
    "length": "length duration",
    "speed": "speed limit velocity",
    "languag": "language",
    "population": "population speakers inhabitants residents",
    "owner": "owner holder",
    "quantiti": "quantity amount number stock",
    "cuisin": "food cuisine type",
}  # fmt: skip

_STATES = """AL Alabama, AK Alaska, AZ Arizona, AR Arkansas, CA California, CO Colorado, CT Connecticut, DE Delaware, FL
Florida, GA Georgia, HI Hawaii, ID Idaho, IL Illinois, IN Indiana, IA Iowa, KS Kansas, KY Kentucky, LA Louisiana,
ME Maine, MD Maryland, MA Massachusetts, MI Michigan, MN Minnesota, MS Mississippi, MO Missouri, MT Montana, NE
Nebraska, NV Nevada, NH New Hampshire, NJ New Jersey, NM New Mexico, NY New York, NC North Carolina, ND North
Dakota, OH Ohio, OK Oklahoma, OR Oregon, PA Pennsylvania, RI Rhode Island, SC South Carolina, SD South Dakota, TN
Tennessee, TX Texas, UT Utah, VT Vermont, VA Virginia, WA Washington, WV West Virginia, WI Wisconsin, WY Wyoming"""
_COUNTRIES = """US United States, US United States of America, US USA, US America, GB United Kingdom, UK United Kingdom,
GB Britain, GB UK, DE Germany, FR France, IT Italy, ES Spain, PT Portugal, NL Netherlands, BE Belgium, CH Switzerland,
AT Austria, SE Sweden, NO Norway, DK Denmark, FI Finland, PL Poland, IE Ireland, GR Greece, CA Canada, MX Mexico,
BR Brazil, AR Argentina, CL Chile, CO Colombia, CN China, JP Japan, KR South Korea, IN India, AU Australia, NZ New
Zealand, ZA South Africa, SG Singapore, RU Russia, TR Turkey, IL Israel, AE United Arab Emirates, USA United
States, USA US, USA America"""
# Names of places and the codes under which databases hold them.
CODES: Final[dict[str, tuple[str, ...]]] = {}
for _entry in (*_STATES.split(","), *_COUNTRIES.split(",")):
    _code, _, _name = _entry.strip().partition(" ")
    CODES[_name.strip().lower()] = (*CODES.get(_name.strip().lower(), ()), _code)
