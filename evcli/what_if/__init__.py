"""What if: a history with events dropped, put in or changed, in memory, and what makes it the present."""
