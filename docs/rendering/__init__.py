"""Tables of README.md and docs from committed records."""
