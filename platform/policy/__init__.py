"""What no stack of Spool may be: rules as pure functions, and the pack that the engine runs."""
