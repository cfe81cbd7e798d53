"""Variations: stills of films that differ in a few settings, on one sheet."""
