"""Trains a classifier on pictures of your own; films then dream of them."""
