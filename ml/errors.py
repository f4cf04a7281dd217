"""Everything that can go wrong in here, as one tree.

MlError
├── BadData      the data cannot be used as it is: names the file, column or series and says why
│   └── NothingSold  there is nothing wrong with it, but nothing was sold that could be learned from
├── BadConfig    a setting of a fit is unknown or out of range: names it and what was expected
├── BadBundle    a bundle is damaged, incomplete or of another kind; nothing of it was parsed
└── Implausible  a forecast failed its sanity gate: not finite, or far above anything the shop ever sold
"""


class MlError(Exception):
    """Base of all of them; its text is one line a person can act on."""


class BadData(MlError):
    """The data cannot be used as it is."""


class NothingSold(BadData):
    """Nothing was sold, or not lately: there is nothing to learn from yet."""


class BadConfig(MlError):
    """A setting of a fit is unknown or out of range."""


class BadBundle(MlError):
    """A bundle is damaged, incomplete or of another kind."""


class Implausible(MlError):
    """A forecast failed its sanity gate."""
