"""Pictures of a folder, to learn from, and sheets of what is learned."""
