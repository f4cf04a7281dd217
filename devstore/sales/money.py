"""Money as Shopify writes it: a string with two decimals."""


def text(cents: int) -> str:
    """1999 as "19.99"."""
    return f"{cents // 100}.{cents % 100:02d}"


def cents(amount: str) -> int:
    """ "19.99" as 1999."""
    return round(float(amount) * 100)
