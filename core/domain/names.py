"""How a person's name and birth date may be written, folded and compared.

Matching, search and roster import all go through :func:`fold`, so that two
spellings are the same name everywhere or nowhere.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

_UNDECOMPOSED = str.maketrans(
    {"Œ": "OE", "Æ": "AE", "Ø": "O", "Ð": "D", "Đ": "D", "Ł": "L", "Þ": "TH", "Ħ": "H", "ẞ": "SS", "ʹ": " "}
)

# Words that begin a surname and are never a whole surname in a French class list.
_PARTICLES = frozenset({
    "AIT", "AL", "BEN", "BENT", "BIN", "BOU", "D", "DA", "DAS", "DE", "DEL", "DELA", "DELLA", "DES", "DI", "DO", "DOS", "DU",
    "EL", "L", "LA", "LE", "LES", "LO", "M", "MC", "O", "OULD", "SAINT", "SAINTE", "ST", "STE", "VAN", "VON", "Y", "ZE",
})  # fmt: skip


@dataclass(frozen=True)
class Spelling:
    """One way of filling a field; ``whole`` is false when a part of the name is left out."""

    text: str
    whole: bool


@dataclass(frozen=True)
class Spellings:
    """The ways a person may fill the fields of a header, folded, most usual first."""

    surname: tuple[Spelling, ...]
    first_name: tuple[Spelling, ...]
    full_name: tuple[Spelling, ...]


def fold(text: str) -> str:
    """Reduce a name to capitals A–Z with single spaces.

    Accents go, ligatures are spelt out, and everything that is not a letter
    (hyphen, apostrophe, point, digit) separates.

    >>> fold("Éloïse d'Œuvre-Çelik")
    'ELOISE D OEUVRE CELIK'
    """
    capitals = text.upper().translate(_UNDECOMPOSED)
    decomposed = unicodedata.normalize("NFKD", capitals).upper()
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^A-Z]", " ", bare).split())


def display_name(surname: str, first_name: str) -> str:
    """The one way a name is shown: ``BEN SALAH Marie-Lou``."""
    first = re.sub(r"[^\W\d_]+", lambda word: word[0][:1].upper() + word[0][1:].lower(), first_name)
    return " ".join(f"{surname.upper()} {first}".split())


def spellings(surname: str, first_name: str, usage_name: str | None = None) -> Spellings:
    """List the ways a person may fill each field of a header.

    The surname field may hold the surname, the usage name, both, one half of a
    compound name, or surname and first name; the first-name field may hold
    all first names, the first one only, or the first one and initials. A
    separator may always be left out; spellings with and without it are listed.
    """
    surnames = _surname_spellings(surname, usage_name)
    firsts = _first_name_spellings(first_name)
    full = [
        Spelling(text, last.whole and first.whole)
        for last in surnames
        if last.whole
        for first in firsts
        for text in (f"{last.text} {first.text}", f"{first.text} {last.text}")
    ]
    initial = firsts[0].text[:1] if firsts else ""
    initials = [Spelling(f"{last.text} {initial}", False) for last in surnames if last.whole and initial]
    return Spellings(
        surname=_distinct(_joined(surnames)),
        first_name=_distinct(_joined(firsts)),
        full_name=_distinct(full + initials),
    )


def date_spellings(day: date) -> tuple[str, ...]:
    """List the ways a birth date is written in figures, ``/`` standing for any separator.

    >>> date_spellings(date(2009, 3, 7))[:3]
    ('07032009', '07/03/2009', '070309')
    """
    d, m = f"{day.day:02d}", f"{day.month:02d}"
    years = (f"{day.year:04d}", f"{day.year % 100:02d}")
    texts = [text for year in years for text in (f"{d}{m}{year}", f"{d}/{m}/{year}")]
    texts += [f"{day.day}/{day.month}/{year}" for year in years]
    return tuple(dict.fromkeys(texts))


def same_person_key(surname: str, first_name: str, birth_date: date | None) -> tuple[str, str, str]:
    """Equal for two roster lines of one person; homonyms share all but the date."""
    return (fold(surname), fold(first_name), birth_date.isoformat() if birth_date else "")


def split_full_name(text: str) -> tuple[str, str, bool]:
    """Cut a cell holding surname and first name.

    Capitals then ordinary case are a sure cut (``BEN SALAH Marie-Lou``), and
    so is a comma. Otherwise the cut is a proposal to be checked by a person.

    Returns:
        surname, first name, and whether the cut is sure.
    """
    if "," in text:
        before, _, after = (part.strip() for part in text.partition(","))
        return before, after, bool(before and after)
    words = text.split()
    capital = [_is_capital(word) for word in words]
    # A leading lower-case particle ("de SOUZA Ana") belongs to the surname.
    for i, word in enumerate(words):
        if word[:1].isupper() or not any(capital[i:]):
            break
        capital[i] = True
    first_ordinary = capital.index(False) if False in capital else len(words)
    first_capital = capital.index(True) if True in capital else len(words)
    if 0 < first_ordinary < len(words) and not any(capital[first_ordinary:]):
        return " ".join(words[:first_ordinary]), " ".join(words[first_ordinary:]), True
    if 0 < first_capital < len(words) and all(capital[first_capital:]):
        return " ".join(words[first_capital:]), " ".join(words[:first_capital]), True
    return _proposed_cut(words)


def _proposed_cut(words: list[str]) -> tuple[str, str, bool]:
    """Cut words of one case: particles with the word they lead, then all but the last word."""
    if len(words) < 2:
        return " ".join(words), "", False
    particles = 0
    while particles < len(words) - 1 and fold(words[particles]) in _PARTICLES:
        particles += 1
    cut = min(max(particles + 1, 1), len(words) - 1) if particles else max(1, len(words) - 1)
    sure = len(words) == 2 and not particles and all(_is_capital(word) for word in words)
    return " ".join(words[:cut]), " ".join(words[cut:]), sure


def _is_capital(word: str) -> bool:
    letters = [c for c in word if c.isalpha()]
    capitals = sum(c.isupper() for c in letters)
    # McDONALD and LeGOFF count as capitals, Jean-Luc does not.
    return bool(letters) and capitals / len(letters) > 0.6


def _surname_spellings(surname: str, usage_name: str | None) -> list[Spelling]:
    names = [folded for folded in (fold(surname), fold(usage_name or "")) if folded]
    found = [Spelling(name, True) for name in dict.fromkeys(names)]
    if len(found) == 2:
        found += [Spelling(f"{a} {b}", True) for a, b in (names, names[::-1])]
    for name in dict.fromkeys(names):
        parts = _without_lone_particles(name.split())
        found += [Spelling(part, False) for part in parts if len(parts) > 1]
        # A compound name without its leading particle: DE LA TOUR, written TOUR.
        bare = name.split()
        while len(bare) > 1 and bare[0] in _PARTICLES:
            bare = bare[1:]
        if bare != name.split():
            found.append(Spelling(" ".join(bare), False))
    return found


def _first_name_spellings(first_name: str) -> list[Spelling]:
    parts = fold(first_name).split()
    if not parts:
        return []
    found = [Spelling(" ".join(parts), True)]
    if len(parts) > 1:
        found += [
            Spelling(parts[0], False),
            Spelling(" ".join([parts[0], *(p[0] for p in parts[1:])]), False),
        ]
        found += [Spelling(" ".join(p[0] for p in parts), False)] if _is_hyphenated(first_name) else []
        found += [Spelling(" ".join(parts[:2]), False)] if len(parts) > 2 else []
    return found


def _is_hyphenated(first_name: str) -> bool:
    return "-" in first_name or "‐" in first_name


def _without_lone_particles(parts: list[str]) -> list[str]:
    """Halves of a compound surname that somebody would write alone, particles kept with what they lead."""
    halves: list[str] = []
    pending: list[str] = []
    for part in parts:
        pending.append(part)
        if part not in _PARTICLES:
            halves.append(" ".join(pending))
            pending = []
    return halves


def _joined(found: list[Spelling]) -> list[Spelling]:
    return [
        variant
        for spelling in found
        for variant in (spelling, Spelling(spelling.text.replace(" ", ""), spelling.whole))
    ]


def _distinct(found: list[Spelling]) -> tuple[Spelling, ...]:
    """Drop repeated texts; one that is somewhere a whole name stays whole."""
    whole = {spelling.text for spelling in found if spelling.whole}
    return tuple(Spelling(text, text in whole) for text in dict.fromkeys(s.text for s in found))
