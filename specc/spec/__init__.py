"""The spec language: reading, checking, formatting and writing YAML specs."""
