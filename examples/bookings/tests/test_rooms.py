def test_create_and_get(client, room):
    assert room["name"] == "Lovelace"
    assert client.get(f"/rooms/{room['id']}").json() == room


def test_update(client, room):
    response = client.put(f"/rooms/{room['id']}", json={"name": "Lovelace", "capacity": 10})
    assert response.status_code == 200
    assert response.json()["capacity"] == 10


def test_delete(client, room):
    assert client.delete(f"/rooms/{room['id']}").status_code == 204
    assert client.get(f"/rooms/{room['id']}").status_code == 404


def test_list(client, room):
    assert client.get("/rooms").json() == [room]


def test_capacity_must_be_positive(client):
    assert client.post("/rooms", json={"name": "Closet", "capacity": 0}).status_code == 422
