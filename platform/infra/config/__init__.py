"""The stack's configuration: keys, presets, and the one reader."""
