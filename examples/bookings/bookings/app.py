"""The application."""

import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI

from bookings import __version__, reservations, rooms, settings
from bookings.database import Base, engine

logging.basicConfig(level=settings.LOG_LEVEL, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
log = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(_app: FastAPI):
    Base.metadata.create_all(engine)
    log.info("Bookings %s is ready, using %s", __version__, engine.dialect.name)
    yield
    engine.dispose()
    log.info("Goodbye")


app = FastAPI(title="Bookings", version=__version__, debug=settings.DEBUG, lifespan=lifespan)
app.include_router(rooms.router)
app.include_router(reservations.router)


@app.get("/health", tags=["health"])
def health():
    return {"status": "ok", "version": __version__}
