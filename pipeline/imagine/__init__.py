"""Imagination: trains generative models that dream by themselves."""
