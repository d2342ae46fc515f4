"""What events mean: their types, their rules, the state they fold to. Pure: no files, no clock."""
