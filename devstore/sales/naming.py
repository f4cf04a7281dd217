"""Words for products: handles for addresses, readable titles, a guess at what a thing is."""

import re
import unicodedata

SMALL_WORDS = {"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"}

# fmt: off
NO_NOUNS = {
    "large", "small", "medium", "mini", "big", "red", "pink", "blue", "green", "white", "black", "ivory",
    "silver", "gold", "cream", "natural", "brown", "yellow", "purple", "orange", "grey", "clear", "assorted",
    "colours", "colour", "color", "design", "designs", "pack", "set", "sets", "asst", "tall", "vintage",
    "antique",
}
# fmt: on


def slug(title: str) -> str:
    """The handle Shopify would make of a title: lower case, words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def readable(shouted: str) -> str:
    """ "WHITE HANGING HEART T-LIGHT HOLDER" as "White Hanging Heart T-Light Holder"."""
    words = shouted.lower().split()
    return " ".join(word if place and word in SMALL_WORDS else _capital(word) for place, word in enumerate(words))


def last_noun(title: str) -> str:
    """What a title ends with once sizes and colours are gone, in the singular ("Cake Stands, Pink" is a "Stand")."""
    words = [word for word in re.findall(r"[A-Za-z]{3,}", title) if word.lower() not in SMALL_WORDS | NO_NOUNS]
    return re.sub(r"(?<=[a-rt-z])s$", "", words[-1]).capitalize() if words else ""


def _capital(word: str) -> str:
    """Capitals after a hyphen or slash too, but not after an apostrophe."""
    return re.sub(r"(^|[-/(.\"&+])([a-z])", lambda found: found[1] + found[2].upper(), word)
