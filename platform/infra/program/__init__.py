"""The parts of `__main__.py`: settings in, components wired, one part handed to the next."""
