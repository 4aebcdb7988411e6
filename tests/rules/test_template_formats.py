"""``{{format}}``, ``{{math}}`` and the hashes, by tables of what was measured of the original."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.rules.templates import compile_flow_template
from pointsman.rules.templates.dates import compile_date_pattern
from pointsman.rules.templates.hashing import digest
from pointsman.rules.templates.locales import ENGLISH, locales
from pointsman.rules.templates.numbers import compile_number_pattern
from pointsman.rules.variables import plain, typed_lead


def render(text: str, **scope: Any) -> Any:
    problems: list[str] = []
    template = compile_flow_template(text, lambda _path, message: problems.append(message))
    assert not problems
    return plain(template.render(scope))


NUMBERS = """
10000       0,0.0000      10,000.0000
10000.23    0,0           10,000
10000.23    +0,0          +10,000
-10000      0,0.0         -10,000.0
10000.1234  0.000         10000.123
100.1234    00000         00100
1000.1234   000000,0      001,000
10          000.00        010.00
10000.1234  0[.]00000     10000.12340
-10000      (0,0.0000)    (10,000.0000)
-0.23       .00           -.23
-0.23       (.00)         (.23)
0.23        0.00000       0.23000
0.23        0.0[0000]     0.23
1230974     0.0a          1.2m
1460        0_a           1_k
-104000     0a            -104k
999999      0.0a          1.0m
1500        0.00_ak       1.50_k
1           0o            1st
2           0o            2nd
13          0o            13th
100         0o            100th
1000.234    $0,0.00       $1,000.23
1000.2      0,0[.]00_$    1,000.20_$
1001        $_0,0[.]00    $_1,001
-1000.234   ($0,0)        ($1,000)
-1000.234   $0.00         -$1000.23
1230974     ($_0.00_a)    $_1.23_m
-0.0001     $0.00         0$.00
1           0%            100%
0.974878234 0.000%        97.488%
-0.43       0_%           -43_%
0.43        (0.000_%)     43.000_%
0.0056      0_BPS         56_BPS
7884486213  0.00b         7.88GB
3467479682787 0.000_ib    3.154_TiB
1123456789  0,0e+0        1e+9
0.000123987 0.000e+0      1.240e-4
3661        00:00:00      1:01:01
1.005       0.00          1.01
2.5         0             3
-2.5        0             -2
12          0,0-          12
-12         0-            12-
12          0+            12+
-1          0o            -1th
1.5         0o            2th
999999      0_a           1_k
999.5       0_a           1_
1500000000000000 0.0_a    1.5.0_t
-0.4        -0            +0
-0.4        0             0
3467479682787 0.00000     3467479682787.00049
100000000000000000000 0.000 99999999999999983616.000
0.0000001   0.00          0.00
1000000000000000000000 0,0 1e+21
1000000000000000000000 0.0a 1000000000.0t
8.345       0.00          8.35
1.255       0.00          1.26
"""


@pytest.mark.parametrize("line", NUMBERS.strip().splitlines())
def test_numbers_are_written_by_patterns(line: str) -> None:
    number, pattern, expected = (part.replace("_", " ") for part in line.split())

    assert compile_number_pattern(pattern)(float(number), ENGLISH) == expected
    assert render(f'{{{{format lead.x format="{pattern}"}}}}', lead={"x": number}) == expected


MOMENT = "2015-06-04T17:04:09.060Z"
TOKENS = {
    "M Mo MM MMM MMMM": "6 6th 06 Jun June",
    "Q Qo": "2 2nd",
    "D Do DD DDD DDDo DDDD": "4 4th 04 155 155th 155",
    "d do dd ddd dddd e E": "4 4th Th Thu Thursday 4 4",
    "w wo ww W Wo WW": "23 23rd 23 23 23rd 23",
    "YY YYYY Y gg gggg GG GGGG": "15 2015 2015 15 2015 15 2015",
    "A a H HH h hh k kk": "PM pm 17 17 5 05 17 17",
    "m mm s ss S SS SSS SSSSSS": "4 04 9 09 0 06 060 060000",
    "Z ZZ X x": "+00:00 +0000 1433437449 1433437449060",
    "LT|LTS|L|l": "5:04 PM|5:04:09 PM|06/04/2015|6/4/2015",
    "LL|ll|LLL|lll": "June 4, 2015|Jun 4, 2015|June 4, 2015 5:04 PM|Jun 4, 2015 5:04 PM",
    "LLLL|llll": "Thursday, June 4, 2015 5:04 PM|Thu, Jun 4, 2015 5:04 PM",
    "HHmm Hmm hmm Hmmss": "1704 1704 504 170409",
    "[It's] MMMM Do, h:mm A": "It's June 4th, 5:04 PM",
    r"\MM h\LT": "MM 5LT",
    "[]YYYY-[W]WW-E": "2015-W23-4",
    "[a]b]c[d[e]": "a]bc[4e",
}


@pytest.mark.parametrize(("pattern", "expected"), TOKENS.items())
def test_dates_are_written_by_tokens(pattern: str, expected: str) -> None:
    assert compile_date_pattern(pattern)(datetime.fromisoformat(MOMENT), ENGLISH) == expected


@pytest.mark.parametrize(
    ("moment", "pattern", "expected"),
    [
        ("2021-01-01T00:00:00Z", "w gggg W GGGG", "1 2021 53 2020"),
        ("2020-12-31T00:00:00Z", "w gggg W GGGG k", "1 2021 53 2020 24"),
        ("2023-01-01T12:00:00Z", "w gggg W GGGG h", "1 2023 52 2022 12"),
        ("2024-11-03T06:30:00Z", "z Z HH:mm", "CDT -05:00 01:30"),
        ("2024-11-03T07:30:00Z", "zz ZZ HH:mm", "CST -0600 01:30"),
    ],
)
def test_weeks_and_zones(moment: str, pattern: str, expected: str) -> None:
    zone = ZoneInfo("America/Chicago") if "z" in pattern else UTC

    told = compile_date_pattern(pattern)(datetime.fromisoformat(moment).astimezone(zone), ENGLISH)

    assert told == expected


@pytest.mark.parametrize(
    ("locale", "date", "number"),
    [
        ("en", "Thursday, June 4, 2015 5:04 PM; 4th", "$45,302.00 1.2m 1st"),
        ("en-gb", "Thursday, 4 June 2015 17:04; 4th", "£45,302.00 1.2m 1st"),
        ("fr", "jeudi 4 juin 2015 17:04; 4", "€45 302,00 1,2m 1er"),
        ("de", "Donnerstag, 4. Juni 2015 17:04; 4.", "€45 302,00 1,2m 1."),
        ("es", "jueves, 4 de junio de 2015 17:04; 4º", "$45.302,00 1,2mm 1er"),
        ("it", "giovedì 4 giugno 2015 17:04; 4º", "€45.302,00 1,2mil 1º"),
        ("nl", "donderdag 4 juni 2015 17:04; 4de", "€ 45.302,00 1,2mln 1ste"),
        ("pt", "Quinta-feira, 4 de junho de 2015 17:04; 4º", "€45 302,00 1,2m 1º"),
        ("pt-br", "quinta-feira, 4 de junho de 2015 às 17:04; 4º", "R$45.302,00 1,2milhões 1º"),
    ],
)
def test_locales(locale: str, date: str, number: str) -> None:
    patterns = zip(("$0,0.00", "0.0a", "0o"), (45302, 1230974, 1), strict=True)
    numbers = [compile_number_pattern(pattern)(n, locales[locale]) for pattern, n in patterns]

    assert render(f'{{{{format x format="LLLL; Do" locale="{locale}"}}}}', x=MOMENT) == date
    assert " ".join(numbers) == number
    for form in ("months", "months_short"):
        assert len(set(getattr(locales[locale], form))) == 12
    for form in ("days", "days_short", "days_least"):
        assert len(set(getattr(locales[locale], form))) == 7


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("en", "1st 2nd 4th 11th 22nd 101st 108th"),
        ("es", "1er 2do 4to 11er 22do 101er 108vo"),
        ("nl", "1ste 2de 4de 11de 22ste 101ste 108ste"),
        ("fr", "1er 2e 4e 11e 22e 101e 108e"),
        ("it", "1º 2º 4º 11º 22º 101º 108º"),
    ],
)
def test_ordinals(locale: str, told: str) -> None:
    write = compile_number_pattern("0o")

    assert " ".join(write(n, locales[locale]) for n in (1, 2, 4, 11, 22, 101, 108)) == told


SCOPE: dict[str, Any] = {
    "lead": typed_lead(
        {"dob": "6/24/2015", "balance": "$45,302", "zip": "78751", "ca": "H3Z 2Y7", "vip": "yes"},
        {"dob": "dob", "balance": "number", "zip": "postal_code", "ca": "postal_code"},
    ),
    "submission": {"timestamp": "2015-06-24T17:24:49.060Z"},
    "loan": {"amount": "150000", "value": 200000},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{{format lead.dob format="YYYY-MM-DD"}}', "2015-06-24"),
        ('{{format lead.dob format="[It\'s] MMMM Do"}}', "It's June 24th"),
        ('{{format lead.dob format="D" timezone="America/New_York"}}', "24"),
        ('{{format lead.balance format="$0,0.00"}}', "$45,302.00"),
        ('{{format lead.balance locale="fr" format="$0,0.00"}}', "€45 302,00"),
        ("{{format lead.balance}}", "45302"),
        ('{{format lead.balance dataType="String"}}', "45302"),
        ('{{format lead.zip dataType="Number"}}', 78751),
        ('{{format lead.ca dataType="Number"}}', "H3Z 2Y7"),
        ('{{format lead.balance format="0.00" dataType="Number"}}', 45302),
        ('{{format lead.ca format="0,0"}}', "H3Z 2Y7"),
        ('{{format lead.nope format="0,0"}}', ""),
        ('{{format submission.timestamp format="X" dataType="Number"}}', 1435166689),
        ('{{format submission.timestamp format="X"}}', "1435166689"),
        ('{{format submission.timestamp format="dddd" timezone="Asia/Tokyo"}}', "Thursday"),
        ('{{format submission.timestamp format="HHmm z"}}', "1724 "),
        ('{{format submission.timestamp format="HHmm z" timezone="America/Chicago"}}', "1224 CDT"),
        ("{{format submission.timestamp}}", "2015-06-24T17:24:49.060Z"),
        ('{{format now format="YYYY-MM-DD"}}', "2015-06-24"),
        ('{{format now format="YYYY-MM-DD" operator="subtract" days="30"}}', "2015-05-25"),
        ('{{format lead.dob operator="add" years=1 months=8}}', "2017-02-24"),
        ('{{format "2024-02-29" format="L" operator="add" years="1"}}', "02/28/2025"),
        (
            (
                '{{format "2024-11-03T05:30:00Z" format="HH:mm" timezone="America/Chicago" '
                'operator="add" days="1"}}'
            ),
            "00:30",
        ),
        ('{{math "1 + 1"}}', 2),
        ('{{math "1 + 1" dataType="String"}}', "2"),
        ('{{math "1 + 1"}}!', "2!"),
        ('{{math "loan.amount / loan.value * 100"}}%', "75%"),
        ('{{math "loan.amount / loan.value" format="0.[00]%"}}', "75%"),
        ('{{math "loan.amount" format="$0,0.00" locale="de"}}', "€150 000,00"),
        ("{{math \"lead.vip == 'yes' ? 1 : 2\"}}", 1),
        ("{{math \"1 >= 0 ? 'Senior' : 'Adult'\"}}", None),
        ('{{math "lead.nope + 1"}}', None),
        ('{{math "lead.nope + 1" format="0.0"}}', None),
        ('[{{math "1 / 0"}}]', "[]"),
    ],
)
def test_formats_and_results(text: str, value: Any) -> None:
    assert render(text, **SCOPE) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1+2*3", 7),
        ("(1+2)*3", 9),
        ("2^3^2", 512),
        ("-2^2", -4),
        ("2^-1", 0.5),
        ("5!", 120),
        ("3!!", 720),
        ("-5!", -120),
        ("5 ! ^ 2", 14400),
        ("2 ^ 3 !", 64),
        ("-10%3", -1),
        ("1/0", None),
        ("0/0", None),
        ("a+s", 15),
        ("s+s", 10),
        ("a*s", 50),
        ("a-1", 9),
        ("t+1", None),
        ("1 < 2", None),
        ("not 1", None),
        ("not 1 ? 2 : 3", 3),
        ("1 ? 2 ? 3 : 4 : 5", 3),
        ("if(1<2, 5, 6)", 5),
        ("if(0,5,6)", 6),
        ("round(2.5)", 3),
        ("round(-2.5)", -2),
        ("roundTo(1.005,2)", 1.01),
        ("roundTo(2.675,2)", 2.68),
        ("roundTo(1234.5678, -2)", 1200),
        ("sqrt 16", 4),
        ("sqrt(16)+9", 13),
        ("sqrt(-1)", None),
        ("abs -3", 3),
        ("min(3,1,2)", 1),
        ("max(1,a)", 10),
        ("max(1,t)", None),
        ("pyt(3,4)", 5),
        ("pow(2,10)", 1024),
        ("atan2(0,1)", 0),
        ("fac(5)", 120),
        ("171!", None),
        ("'1' || '2'", 12),
        ("'a' || 'b'", None),
        ("s", 5),
        ("1 == 1 and 2 != 3 ? 7 : 8", 7),
        ("0 or s == 5 ? 7 : 8", 7),
        ("1 && 0 ? 7 : 8", 8),
        ("s > 10 ? 1 : 2", 2),
        ("lg(100)", 2),
        ("gamma(5)", 24),
        ("cosh 0 + sinh 0 + tanh 0", 1),
        ("acosh 1 + asinh 0 + atanh 0", 0),
        ("expm1 0 + log1p 0", 0),
        ("atanh 2", None),
        ("123456789 * 987654321", 121932631112635260),
        ("10 ^ 21", 1e21),
        ("floor 2.7 + 1", 3),
        ("ceil(1.2)", 2),
        ("- -3", 3),
        ("1 - - 1", 2),
        ("1e3", 1000),
        (".5 + 5.", 5.5),
        ("log(exp(1))", 1),
        ("log10(1000)", 3),
        ("random", 37),
        ("random(0) < 1 and random() >= 0 ? 1 : 2", 1),
        ("items[1] + items.0", 30),
        ("0.1 + 0.2", 0.30000000000000004),
        ("(9^9)^999", None),
        ("(0-8)^(1/3)", None),
    ],
)
def test_expressions(expression: str, value: Any) -> None:
    scope = {"a": 10, "s": "5", "t": "abc", "random": 37, "items": [10, 20]}

    told = render(f'{{{{math "{expression}"}}}}', **scope)

    assert told == (None if value is None else pytest.approx(value))


WRONG = ["1 +", "(1", "1)", "2(3)", "a b", "1 , 2", "a=1", "1;2", "1 in [1]", "min()", "if(1,2)"]


@pytest.mark.parametrize("expression", [*WRONG, "1+" * 200 + "1", "(" * 60 + "1" + ")" * 60, "#"])
def test_wrong_expressions_are_refused(expression: str) -> None:
    told: list[str] = []

    compile_flow_template(f'{{{{math "{expression}"}}}}', lambda _path, text: told.append(text))

    assert len(told) == 1
    assert "'math'" in told[0]


@given(st.text("0123456789.+-*/%^!()<>=&|?:, ab'", max_size=40))
def test_no_expression_raises(expression: str) -> None:
    template = compile_flow_template(f'{{{{math "{expression}"}}}}', lambda _path, _text: None)

    template.render({"a": 2, "b": "3"})


@given(st.floats(-1e15, 1e15) | st.integers(-(10**12), 10**12), st.integers(0, 6))
def test_a_number_is_never_far_from_what_is_written(number: float, places: int) -> None:
    """With so many decimals, what is written is the number rounded to them."""
    pattern = "0." + "0" * places if places else "0"

    told = compile_number_pattern(pattern)(number, ENGLISH)

    assert abs(float(told) - number) <= 0.5 * 10**-places + 1e-15 * abs(number) * 2


VECTORS = [
    ("md4", b"", "31d6cfe0d16ae931b73c59d7e0c089c0"),
    ("md4", b"abc", "a448017aaf21d8525fc10ae87aa6729d"),
    ("md5", b"abc", "900150983cd24fb0d6963f7d28e17f72"),
    ("ripemd", b"abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
    ("ripemd160", b"", "9c1185a5c5e9fc54612808977ee8f548b2258d31"),
    ("sha1", b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("sha224", b"abc", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
    ("sha256", b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        "sha384",
        b"abc",
        (
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7"
        ),
    ),
    (
        "sha512",
        b"abc",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
    ),
    (
        "whirlpool",
        b"",
        (
            "19fa61d75522a4669b44e39c1d2e1726c530232130d407f89afee0964997f7a7"
            "3e83be698b288febcf88e3e03c4f0757ea8964e59b63d93708b138cc42a66eb3"
        ),
    ),
    (
        "whirlpool",
        b"abc",
        (
            "4e2448a4c6f486bb16b6562c73b4020bf3043e3a731bce721ae1b303d97e6d4c"
            "7181eebdb6c57e277d0e34957114cbd6c797fc9d95d8b582d225292076d4eef5"
        ),
    ),
    (
        "whirlpool",
        b"1234567890" * 8,
        (
            "466ef18babb0154d25b9d38a6414f5c08784372bccb204d6549c4afadb601429"
            "4d5bd8df2a6c44e538cd047b2681a51a2c60481e88c5a20b2c2a80cf3a9a083b"
        ),
    ),
]


@pytest.mark.parametrize(("name", "data", "expected"), VECTORS)
def test_digests_are_those_of_the_standards(name: str, data: bytes, expected: str) -> None:
    assert digest(name, data).hex() == expected
    if data.isalpha():
        assert render(f"{{{{{name} x}}}}", x=data.decode()) == expected


def test_hashes_of_several_values_with_salt_and_encodings() -> None:
    scope = {"a": "ab", "b": "c"}

    together = render("{{md5 a b}}", **scope)

    assert together == "900150983cd24fb0d6963f7d28e17f72"
    assert render('{{md5 a salt="c"}}', **scope) == together
    assert render('{{md5 "a" salt="bc"}}', **scope) == together
    assert render('{{md5 a b encoding="base64"}}', **scope) == "kAFQmDzST7DWlj99KOF/cg=="
    assert render('{{md5 a b encoding="latin1"}}', **scope).encode("latin-1").hex() == together
