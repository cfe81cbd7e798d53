"""The studio: a page on which films are set up, sketched, rendered one after the other, and played."""
