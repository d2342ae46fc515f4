"""Where a log and its fold meet: what faces talk to."""
