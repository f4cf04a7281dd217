"""What will happen: pure functions over frames and files. Imports nothing of ours, and no trainer until it trains."""
