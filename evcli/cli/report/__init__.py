"""A report on a period: its facts, in the tables, the document and the page that `evcli report` can make of them."""
