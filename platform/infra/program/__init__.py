"""The parts that `__main__.py` is made of: settings in, components wired, one part handed to the next."""
