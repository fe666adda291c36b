"""The commands of Spyne: `spyne serve`, or `python -m spyne serve`. The application is imported when one needs it."""

import chassis

cli = chassis.cli("spyne.application:application")

if __name__ == "__main__":
    cli()
