"""The product against the local Shopify: a demo that keeps running, and a story that ends by itself."""
