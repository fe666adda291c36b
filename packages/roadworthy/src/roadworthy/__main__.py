"""Run the command line: ``python -m roadworthy``."""

from roadworthy.cli import main

main(prog_name="roadworthy")
