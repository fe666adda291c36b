"""What goes over the wire."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, NaiveDatetime, model_validator


class RoomIn(BaseModel):
    name: str = Field(min_length=1, max_length=200)
    floor: int = 0
    capacity: int = Field(gt=0)
    description: str | None = None


class RoomOut(RoomIn):
    model_config = ConfigDict(from_attributes=True)

    id: int
    created_at: datetime


class BookingIn(BaseModel):
    room_id: int
    title: str = Field(min_length=1, max_length=200)
    booked_by: str = Field(min_length=1, max_length=200)
    starts_at: NaiveDatetime
    ends_at: NaiveDatetime

    @model_validator(mode="after")
    def ends_after_it_starts(self):
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


class BookingOut(BookingIn):
    model_config = ConfigDict(from_attributes=True)

    id: int
    reference: str
    created_at: datetime
