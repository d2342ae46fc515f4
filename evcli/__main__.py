"""`python -m evcli`, and the entry point of the `evcli` command."""

from evcli.cli.main import run

if __name__ == "__main__":
    run()
