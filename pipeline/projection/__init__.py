"""Pictures of the whole sphere."""
