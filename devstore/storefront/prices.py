"""Money as customers read it."""

from devstore.sales import money

SYMBOLS = {"USD": "$", "GBP": "£", "EUR": "€", "CAD": "$", "AUD": "$", "JPY": "¥"}


def display(cents: int, currency: str) -> str:
    """1999 and "USD" as "$19.99"; a currency without a symbol is named behind the amount."""
    whole, part = money.text(cents).split(".")
    amount = f"{int(whole):,}.{part}"
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{amount}" if symbol else f"{amount} {currency}"
