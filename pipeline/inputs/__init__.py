"""The user's files as what a shot uses: masks, colours."""
