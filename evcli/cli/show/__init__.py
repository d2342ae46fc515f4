"""How an answer looks: five forms, tables, pages, progress, escapes and times."""
