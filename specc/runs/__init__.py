"""Run folders: training that can be killed and resumed, and what to do with its result."""
