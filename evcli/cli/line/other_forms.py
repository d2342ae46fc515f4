"""What to write for a form that people ask for and that `--format` does not have."""

_WAYS = {
    "xlsx": "evcli export FILE.xlsx writes a workbook",
    "excel": "evcli export --excel FILE.csv writes CSV for Excel, and evcli export FILE.xlsx a workbook",
    "html": "evcli report --html FILE writes a page",
    "md": "write markdown",
    "ndjson": "write jsonl",
    **dict.fromkeys(("patch", "jsonpatch", "json_patch"), "write json-patch, which only diff has"),
}


def way_to(form: str) -> str:
    """The hint about a form that there is not."""
    return _WAYS.get(form.casefold(), "evcli help formats says what each is for")
