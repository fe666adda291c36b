"""Run the service: python -m bookings."""

import uvicorn

from bookings import settings

if __name__ == "__main__":
    uvicorn.run("bookings.app:app", host=settings.HOST, port=settings.PORT)
