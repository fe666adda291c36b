"""The parts that requests are answered with."""

from dataclasses import dataclass

import chassis
from fastapi import Request

from spyne.api.asking import Asker
from spyne.api.catalog import Catalog
from spyne.api.measures import Measures
from spyne.api.running import Runner
from spyne.api.threads import Threads
from spyne.settings import Settings
from spyne.state.library import Library


@dataclass
class Parts:
    """What the service consists of, beside its routes."""

    service: chassis.Service
    state: chassis.Database
    catalog: Catalog
    runner: Runner
    asker: Asker
    library: Library
    measures: Measures
    threads: Threads

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        settings: Settings = self.service.settings
        return settings


def parts_of(request: Request) -> Parts:
    """The parts of the application that a request came to."""
    parts: Parts = request.app.state.parts
    return parts
