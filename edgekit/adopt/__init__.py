"""A classifier that others made is brought to the contract, and held against the file it came from."""
