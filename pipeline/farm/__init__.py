"""Renders parts of a film elsewhere: tasks, the data that travels, and what runs them."""
