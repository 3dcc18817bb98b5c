"""The commands; `tools/*.py` call them."""
