"""Compares names of people: two names with one form are the same name, written in two ways. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TypeAlias

Form: TypeAlias = tuple[str, ...]

_CACHED = 16_384
_APOSTROPHES = str.maketrans("", "", "'\u2019\u02bc`\u00b4")
_PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670]")
"""Accents of Latin, Greek and Cyrillic letters, and the optional vowels of Hebrew and Arabic.

The marks of other scripts, such as those of Thai, Hindi and Japanese, make other letters, and so other names.
"""


def person_name(written: str) -> Form | None:
    """The form in which names are compared: without case, accents, order of words, punctuation and titles.

    Nothing else is forgiven: initials, nicknames and transliterations make another name. A name of one word keeps its
    titles, or Mr Berg would be Mrs Berg.

    Returns:
        None for what names nobody: no word at all, only titles, or initials beside less than two words.
    """
    return _person_name(written)


@lru_cache(maxsize=_CACHED)
def _person_name(written: str) -> Form | None:
    words = _words(written)
    named = [word for at, word in enumerate(words) if not _is_title(word, first=at == 0)]
    whole = [word for word in named if len(word) > 1 or word.upper() == word.lower()]  # 明 is a name, A. is none
    if not whole or (len(whole) == 1 and len(named) > 1):
        return None
    return tuple(sorted(named if len(named) > 1 else words))


def _words(written: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", written.casefold().translate(_APOSTROPHES))
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", folded).translate(_PLAIN_LETTERS).casefold())
    return "".join(each if unicodedata.category(each)[0] in "LMN" else " " for each in plain).split()


_TITLES = frozenset(
    _words(
        # English and German
        "Mr Mrs Ms Miss Mx Sir Madam Dr Prof Doctor Professor Herr Hr Frau Fräulein Fr Mag Dipl Ing "
        # French, Italian, Spanish and Portuguese
        "Mme Mlle Monsieur Madame Mademoiselle Sig Signor Signore Signora Signorina Dott Dottore Dottoressa "
        "Sra Srta Señor Señora Señorita Dra Senhor Senhora "
        # Dutch, the Nordic and Slavic languages, Greek
        "Dhr Mevr Mevrouw Meneer Fru Frøken Pani Господин Госпожа Проф Κύριος Κυρία"
    )
)
_TITLE_IF_FIRST = frozenset({"sr"})
"""Señor before a name, and senior behind it, which tells a father from his son."""


def _is_title(word: str, *, first: bool) -> bool:
    return word in _TITLES or (first and word in _TITLE_IF_FIRST)
