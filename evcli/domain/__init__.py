"""What events mean: their types, the rules they must meet, the state they fold to. Pure: no files, no clock."""
