"""``python -m chassis PLACE COMMAND``."""

from chassis.command_line import program

if __name__ == "__main__":
    program()
