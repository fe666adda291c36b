def booking(room, start=9, end=10, **more):
    return {
        "room_id": room["id"],
        "title": "Standup",
        "booked_by": "grace@example.com",
        "starts_at": f"2026-03-02T{start:02}:00:00",
        "ends_at": f"2026-03-02T{end:02}:00:00",
        **more,
    }


def test_book_a_room(client, room):
    response = client.post("/bookings", json=booking(room))
    assert response.status_code == 201
    assert len(response.json()["reference"]) == 8


def test_a_taken_room_cannot_be_booked(client, room):
    client.post("/bookings", json=booking(room, 9, 11))
    assert client.post("/bookings", json=booking(room, 10, 12)).status_code == 409
    assert client.post("/bookings", json=booking(room, 11, 12)).status_code == 201


def test_move_a_booking(client, room):
    created = client.post("/bookings", json=booking(room)).json()
    moved = client.put(f"/bookings/{created['id']}", json=booking(room, 14, 15))
    assert moved.json()["starts_at"] == "2026-03-02T14:00:00"


def test_cancel(client, room):
    created = client.post("/bookings", json=booking(room)).json()
    assert client.delete(f"/bookings/{created['id']}").status_code == 204
    assert client.get("/bookings").json() == []


def test_unknown_room(client):
    assert client.post("/bookings", json=booking({"id": 99})).status_code == 404


def test_health(client):
    assert client.get("/health").json()["status"] == "ok"
