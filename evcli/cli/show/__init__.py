"""How answers are shown: five formats, tables, paging, progress, escapes and times."""
