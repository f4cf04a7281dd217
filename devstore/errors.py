"""What can go wrong while a dev store is started or told what to do."""


class DevStoreError(Exception):
    """Base of every error the dev store raises on purpose; its text is one line for a person."""


class ConfigError(DevStoreError):
    """A setting, file or folder the dev store was started with cannot be used."""


class UnknownShop(DevStoreError, KeyError):
    """No shop of this handle or domain is served here."""


class BadRequest(DevStoreError):
    """The control door was asked for something it does not understand."""
