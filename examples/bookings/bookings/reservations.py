"""Bookings of rooms."""

import hashlib
import hmac
import logging

from fastapi import APIRouter, HTTPException
from sqlalchemy import select
from sqlalchemy.orm import Session

from bookings import settings
from bookings.database import DbSession
from bookings.models import Booking
from bookings.reminders import remind
from bookings.rooms import find_room
from bookings.schemas import BookingIn, BookingOut

router = APIRouter(prefix="/bookings", tags=["bookings"])
log = logging.getLogger(__name__)


def reference(booking: Booking) -> str:
    """The code that a guest shows at the reception."""
    digest = hmac.new(settings.SECRET_KEY.encode(), str(booking.id).encode(), hashlib.sha256)
    return digest.hexdigest()[:8].upper()


def out(booking: Booking) -> BookingOut:
    booking.reference = reference(booking)
    return BookingOut.model_validate(booking)


def find_booking(booking_id: int, session: Session) -> Booking:
    booking = session.get(Booking, booking_id)
    if booking is None:
        raise HTTPException(404, f"There is no booking {booking_id}")
    return booking


def check_free(data: BookingIn, session: Session, ignore: int | None = None) -> None:
    overlapping = select(Booking).where(
        Booking.room_id == data.room_id, Booking.starts_at < data.ends_at, Booking.ends_at > data.starts_at
    )
    if any(booking.id != ignore for booking in session.scalars(overlapping)):
        raise HTTPException(409, "The room is already booked at that time")


@router.get("", response_model=list[BookingOut])
def list_bookings(session: DbSession, room_id: int | None = None, limit: int = 100, offset: int = 0):
    query = select(Booking).order_by(Booking.starts_at).limit(limit).offset(offset)
    if room_id is not None:
        query = query.where(Booking.room_id == room_id)
    return [out(booking) for booking in session.scalars(query)]


@router.post("", response_model=BookingOut, status_code=201)
def create_booking(data: BookingIn, session: DbSession):
    find_room(data.room_id, session)
    check_free(data, session)
    booking = Booking(**data.model_dump())
    session.add(booking)
    session.commit()
    log.info("Booking %s created for room %s", booking.id, booking.room_id)
    return out(booking)


@router.get("/{booking_id}", response_model=BookingOut)
def get_booking(booking_id: int, session: DbSession):
    return out(find_booking(booking_id, session))


@router.put("/{booking_id}", response_model=BookingOut)
def update_booking(booking_id: int, data: BookingIn, session: DbSession):
    booking = find_booking(booking_id, session)
    find_room(data.room_id, session)
    check_free(data, session, ignore=booking_id)
    for key, value in data.model_dump().items():
        setattr(booking, key, value)
    session.commit()
    log.info("Booking %s updated", booking.id)
    return out(booking)


@router.delete("/{booking_id}", status_code=204)
def delete_booking(booking_id: int, session: DbSession):
    session.delete(find_booking(booking_id, session))
    session.commit()
    log.info("Booking %s cancelled", booking_id)


@router.post("/{booking_id}/reminder", status_code=202)
def remind_guest(booking_id: int, session: DbSession):
    remind(out(find_booking(booking_id, session)))
    return {"status": "queued"}
