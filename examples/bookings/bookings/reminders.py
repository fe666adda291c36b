"""Reminders by mail: they are put on a queue, and the mailer takes them from there."""

import json

import redis

from bookings import settings
from bookings.schemas import BookingOut

QUEUE = "reminders"
queue = redis.from_url(settings.REDIS_URL, socket_timeout=2)


def remind(booking: BookingOut) -> None:
    queue.rpush(QUEUE, json.dumps({"booking": booking.id, "at": booking.starts_at.isoformat()}))
