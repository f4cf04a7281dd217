"""A local Shopify for developing and testing apps: `python -m devstore` or `devstore.server.DevStore`."""
