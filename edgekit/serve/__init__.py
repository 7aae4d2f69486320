"""A model behind HTTP on this machine: a page where anybody can try it, and an API for programs."""
