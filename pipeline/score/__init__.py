"""What happens when: every number and every target of a shot as a pure function of seconds."""
