"""Import and export: rows in, records out."""
