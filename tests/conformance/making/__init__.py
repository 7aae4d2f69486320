"""One module an area; make.py writes them all."""
