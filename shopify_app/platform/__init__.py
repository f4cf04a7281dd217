"""Talks to Shopify: verifies what comes in, calls what goes out. Knows neither Flask nor a single row."""
