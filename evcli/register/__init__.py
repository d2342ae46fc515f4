"""The register: a log and its fold behind one interface, which the command line uses."""
