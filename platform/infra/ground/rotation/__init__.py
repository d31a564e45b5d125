"""The function that changes passwords; it is deployed as a zip of its own."""
