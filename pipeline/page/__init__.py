"""The live page: what a film looks like while it is rendered, for a browser on the same machine."""
