"""Rooms."""

import logging

from fastapi import APIRouter, HTTPException
from sqlalchemy import select
from sqlalchemy.orm import Session

from bookings.database import DbSession
from bookings.models import Room
from bookings.schemas import RoomIn, RoomOut

router = APIRouter(prefix="/rooms", tags=["rooms"])
log = logging.getLogger(__name__)


def find_room(room_id: int, session: Session) -> Room:
    room = session.get(Room, room_id)
    if room is None:
        raise HTTPException(404, f"There is no room {room_id}")
    return room


@router.get("", response_model=list[RoomOut])
def list_rooms(session: DbSession, limit: int = 100, offset: int = 0):
    return session.scalars(select(Room).order_by(Room.id).limit(limit).offset(offset)).all()


@router.post("", response_model=RoomOut, status_code=201)
def create_room(data: RoomIn, session: DbSession):
    room = Room(**data.model_dump())
    session.add(room)
    session.commit()
    log.info("Room %s created: %s", room.id, room.name)
    return room


@router.get("/{room_id}", response_model=RoomOut)
def get_room(room_id: int, session: DbSession):
    return find_room(room_id, session)


@router.put("/{room_id}", response_model=RoomOut)
def update_room(room_id: int, data: RoomIn, session: DbSession):
    room = find_room(room_id, session)
    for key, value in data.model_dump().items():
        setattr(room, key, value)
    session.commit()
    log.info("Room %s updated", room.id)
    return room


@router.delete("/{room_id}", status_code=204)
def delete_room(room_id: int, session: DbSession):
    session.delete(find_room(room_id, session))
    session.commit()
    log.info("Room %s deleted", room_id)
