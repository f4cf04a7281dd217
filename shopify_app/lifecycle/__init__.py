"""What we decided: which version answers, and why. No Flask, no HTTP."""
