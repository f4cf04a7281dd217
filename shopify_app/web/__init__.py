"""Flask, thin: each route verifies who asks, lets another room do the work, and answers."""
