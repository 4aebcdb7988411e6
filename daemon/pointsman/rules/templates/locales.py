"""How dates and numbers are written in nine locales.

Names are in the order of the calendar, those of days from Sunday. What is another locale in a
variable is written as in the United States; in a template's text it is a finding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

__all__ = ["ENGLISH", "Locale", "locales"]

Ordinal = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Locale:
    """What is different from one place to the next.

    ``forms`` are the patterns of ``LT LTS L LL LLL LLLL``, ``short`` those of ``l ll lll llll``.
    ``first_day`` begins a week (0 is Sunday); the week with January ``first_date`` is the first.
    ``day_ordinal`` follows days of a month, ``count_ordinal`` other parts of dates.
    """

    months: Sequence[str]
    months_short: Sequence[str]
    days: Sequence[str]
    days_short: Sequence[str]
    days_least: Sequence[str]
    forms: Sequence[str]
    short: Sequence[str]
    first_day: int
    first_date: int
    day_ordinal: Ordinal
    ordinal: Ordinal
    thousands: str
    decimal: str
    currency: str
    count_ordinal: Ordinal | None = None
    abbreviations: Mapping[str, str] = field(
        default_factory=lambda: {"k": "k", "m": "m", "b": "b", "t": "t"}
    )


_ENGLISH_ENDINGS: Mapping[float, str] = {1: "st", 2: "nd", 3: "rd"}
_SPANISH_ENDINGS: Mapping[float, str] = dict(
    enumerate(("mo", "er", "do", "er", "to", "to", "to", "mo", "vo", "no"))
)


def _english(number: float) -> str:
    tens = math.trunc(math.fmod(number, 100) / 10)
    return "th" if tens == 1 else _ENGLISH_ENDINGS.get(math.fmod(number, 10), "th")


def _spanish(number: float) -> str:
    return _SPANISH_ENDINGS.get(math.fmod(number, 10), "to")


def _dutch(number: float) -> str:
    least = math.fmod(number, 100)
    return "ste" if number != 0 and (least <= 1 or least == 8 or least >= 20) else "de"  # noqa: PLR2004


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _always(ending: str) -> Ordinal:
    return lambda _number: ending


def _forms(day: str, month: str, weekday: str, time: str = "HH:mm") -> tuple[str, ...]:
    """Return the long patterns, from those of a day and of one with its month's name."""
    stamp = f"{month} {time}"
    seconds = time.replace("mm", "mm:ss")
    return (time, seconds, day, month, stamp, f"{weekday}{stamp}")


def _short(forms: Sequence[str]) -> tuple[str, ...]:
    """Return the short patterns: those with the day, without zeros and with short names."""
    longer = (("MMMM", "~"), ("MM", "M"), ("~", "MMM"), ("DD", "D"), ("dddd", "ddd"))
    short = []
    for form in forms[2:]:
        told = form
        for long, brief in longer:
            told = told.replace(long, brief)
        short.append(told)
    return tuple(short)


_US = _forms("MM/DD/YYYY", "MMMM D, YYYY", "dddd, ", "h:mm A")
_GB = _forms("DD/MM/YYYY", "D MMMM YYYY", "dddd, ")
_FR = _forms("DD/MM/YYYY", "D MMMM YYYY", "dddd ")
_DE = _forms("DD.MM.YYYY", "D. MMMM YYYY", "dddd, ")
_ES = _forms("DD/MM/YYYY", "D [de] MMMM [de] YYYY", "dddd, ", "H:mm")
_PT = _forms("DD/MM/YYYY", "D [de] MMMM [de] YYYY", "dddd, ")
_BR = (*_PT[:4], *(form.replace(" HH", " [às] HH") for form in _PT[4:]))
_NL = _forms("DD-MM-YYYY", "D MMMM YYYY", "dddd ")

ENGLISH = Locale(
    months=_words(
        "January February March April May June July August September October November December"
    ),
    months_short=_words("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
    days=_words("Sunday Monday Tuesday Wednesday Thursday Friday Saturday"),
    days_short=_words("Sun Mon Tue Wed Thu Fri Sat"),
    days_least=_words("Su Mo Tu We Th Fr Sa"),
    forms=_US,
    short=_short(_US),
    first_day=0,
    first_date=1,
    day_ordinal=_english,
    ordinal=_english,
    thousands=",",
    decimal=".",
    currency="$",
)

_BRITISH = replace(ENGLISH, forms=_GB, short=_short(_GB), first_day=1, first_date=4, currency="£")
_FRENCH = Locale(
    months=_words(
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
    ),
    months_short=_words("janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc."),
    days=_words("dimanche lundi mardi mercredi jeudi vendredi samedi"),
    days_short=_words("dim. lun. mar. mer. jeu. ven. sam."),
    days_least=_words("di lu ma me je ve sa"),
    forms=_FR,
    short=_short(_FR),
    first_day=1,
    first_date=4,
    day_ordinal=lambda number: "er" if number == 1 else "",
    ordinal=lambda number: "er" if number == 1 else "e",
    count_ordinal=lambda number: "er" if number == 1 else "e",
    thousands=" ",
    decimal=",",
    currency="€",
)
_GERMAN = Locale(
    months=_words(
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
    ),
    months_short=_words("Jan. Feb. März Apr. Mai Juni Juli Aug. Sep. Okt. Nov. Dez."),
    days=_words("Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag"),
    days_short=_words("So. Mo. Di. Mi. Do. Fr. Sa."),
    days_least=_words("So Mo Di Mi Do Fr Sa"),
    forms=_DE,
    short=_short(_DE),
    first_day=1,
    first_date=4,
    day_ordinal=_always("."),
    ordinal=_always("."),
    thousands=" ",
    decimal=",",
    currency="€",
)
_SPANISH = Locale(
    months=_words(
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
    ),
    months_short=_words("ene. feb. mar. abr. may. jun. jul. ago. sep. oct. nov. dic."),
    days=_words("domingo lunes martes miércoles jueves viernes sábado"),
    days_short=_words("dom. lun. mar. mié. jue. vie. sáb."),
    days_least=_words("do lu ma mi ju vi sá"),
    forms=_ES,
    short=_short(_ES),
    first_day=1,
    first_date=4,
    day_ordinal=_always("º"),
    ordinal=_spanish,
    thousands=".",
    decimal=",",
    currency="$",
    abbreviations={"k": "k", "m": "mm", "b": "b", "t": "t"},
)
_ITALIAN = Locale(
    months=_words(
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre "
        "dicembre"
    ),
    months_short=_words("gen feb mar apr mag giu lug ago set ott nov dic"),
    days=_words("domenica lunedì martedì mercoledì giovedì venerdì sabato"),
    days_short=_words("dom lun mar mer gio ven sab"),
    days_least=_words("do lu ma me gi ve sa"),
    forms=_FR,
    short=_short(_FR),
    first_day=1,
    first_date=4,
    day_ordinal=_always("º"),
    ordinal=_always("º"),
    thousands=".",
    decimal=",",
    currency="€",
    abbreviations={"k": "mila", "m": "mil", "b": "b", "t": "t"},
)
_PORTUGUESE = Locale(
    months=_words(
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"
    ),
    months_short=_words("jan fev mar abr mai jun jul ago set out nov dez"),
    days=[
        "Domingo",
        "Segunda-feira",
        "Terça-feira",
        "Quarta-feira",
        "Quinta-feira",
        "Sexta-feira",
        "Sábado",
    ],
    days_short=_words("Dom Seg Ter Qua Qui Sex Sáb"),
    days_least=_words("Do 2ª 3ª 4ª 5ª 6ª Sá"),
    forms=_PT,
    short=_short(_PT),
    first_day=1,
    first_date=4,
    day_ordinal=_always("º"),
    ordinal=_always("º"),
    thousands=" ",
    decimal=",",
    currency="€",
)
_BRAZILIAN = replace(
    _PORTUGUESE,
    days=[day.lower() for day in _PORTUGUESE.days],
    days_short=[day.lower() for day in _PORTUGUESE.days_short],
    days_least=[day.lower() for day in _PORTUGUESE.days_least],
    forms=_BR,
    short=_short(_BR),
    first_day=0,
    first_date=1,
    thousands=".",
    currency="R$",
    abbreviations={"k": "mil", "m": "milhões", "b": "b", "t": "t"},
)
_NETHERLANDS = Locale(
    months=_words(
        "januari februari maart april mei juni juli augustus september oktober november december"
    ),
    months_short=_words("jan. feb. mrt. apr. mei jun. jul. aug. sep. okt. nov. dec."),
    days=_words("zondag maandag dinsdag woensdag donderdag vrijdag zaterdag"),
    days_short=_words("zo. ma. di. wo. do. vr. za."),
    days_least=_words("zo ma di wo do vr za"),
    forms=_NL,
    short=_short(_NL),
    first_day=1,
    first_date=4,
    day_ordinal=lambda number: "ste" if number in (1, 8) or number >= 20 else "de",  # noqa: PLR2004
    ordinal=_dutch,
    thousands=".",
    decimal=",",
    currency="€ ",
    abbreviations={"k": "k", "m": "mln", "b": "mrd", "t": "bln"},
)

locales: Mapping[str, Locale] = {
    "de": _GERMAN,
    "en": ENGLISH,
    "en-gb": _BRITISH,
    "es": _SPANISH,
    "fr": _FRENCH,
    "it": _ITALIAN,
    "nl": _NETHERLANDS,
    "pt": _PORTUGUESE,
    "pt-br": _BRAZILIAN,
}
"""Locales by their names, in small letters."""
