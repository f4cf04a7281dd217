"""What happened: rows and files, no decisions. No Flask, no HTTP."""
