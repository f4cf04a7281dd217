"""Which collections products are in: selections across types, of which some overlap, and some products are in none."""

import re
from collections import Counter
from collections.abc import Sequence

from devstore.sales.assortment import Department
from devstore.sales.model import Collection
from devstore.sales.naming import NO_NOUNS, SMALL_WORDS, slug

COLLECTION_BASE = 510_000_000_000
SUMMER, WINTER = range(100, 200), range(280, 366)
"""Days of the year at which a department peaks."""
GIFT_CENTS, LITTLE_CENTS = 3_000, 200
WORDS, COMMON_WORD = 12, 20
"""So many words make collections of an order file's products, each shared by this many titles at least."""


def _collection(position: int, title: str) -> Collection:
    return Collection(COLLECTION_BASE + position, title, slug(title))


CAMPING, KITCHEN, SUMMER_SALE, WARM, GIFTS, LITTLE = (
    _collection(position, title)
    for position, title in enumerate(
        ("Camping", "Kitchen & Table", "Summer", "Winter Warmers", "Gifts under 30", "Little Gifts")
    )
)


def of_department(department: Department, cents: int) -> tuple[Collection, ...]:
    """The made-up shop's: by what a department is for, when it sells and what the product costs now."""
    is_in = {
        CAMPING: "camping" in department.tags,
        KITCHEN: "kitchen" in department.tags,
        SUMMER_SALE: department.peak_day in SUMMER,
        WARM: department.peak_day in WINTER and bool({"wear", "textile"} & set(department.tags)),
        GIFTS: "home" in department.tags and cents < GIFT_CENTS,
    }
    return tuple(one for one, holds in is_in.items() if holds)


def of_titles(titles: Sequence[str], cents: Sequence[int]) -> list[tuple[Collection, ...]]:
    """An order file's: of the words that most titles have, and of what costs next to nothing."""
    words = [_words(title) for title in titles]
    common = Counter(word for some in words for word in some).most_common(WORDS)
    ranked = [word for word, titles_with in common if titles_with >= COMMON_WORD]
    known = {word: _collection(100 + place, word.capitalize()) for place, word in enumerate(ranked)}
    return [
        tuple(one for word, one in known.items() if word in mine) + ((LITTLE,) if price <= LITTLE_CENTS else ())
        for mine, price in zip(words, cents, strict=True)
    ]


def _words(title: str) -> list[str]:
    """The words that say something, each once, in the order of the title."""
    found = (word.lower() for word in re.findall(r"[A-Za-z]{4,}", title))
    return list(dict.fromkeys(word for word in found if word not in SMALL_WORDS | NO_NOUNS))
