"""Could a cheat get the label? What gives classes away other than the picture, and a copy of the data without it."""
