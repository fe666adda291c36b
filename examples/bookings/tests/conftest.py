import os

os.environ["SECRET_KEY"] = "test"
os.environ["DATABASE_URL"] = "sqlite://"

import pytest
from bookings import app as application
from bookings import database
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool


@pytest.fixture
def client(monkeypatch):
    engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
    monkeypatch.setattr(application, "engine", engine)
    database.SessionLocal.configure(bind=engine)
    with TestClient(application.app) as client:
        yield client


@pytest.fixture
def room(client):
    return client.post("/rooms", json={"name": "Lovelace", "capacity": 8}).json()
