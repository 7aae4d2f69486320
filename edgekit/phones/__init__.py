"""Reads what phones send home, as docs/phone-files.md has it: captures with their verdicts, and benchmarks."""
