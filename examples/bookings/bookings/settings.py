"""Settings, from environment variables. See .env.example."""

import os
import sys

try:
    SECRET_KEY = os.environ["SECRET_KEY"]
except KeyError:
    sys.exit("bookings: SECRET_KEY is not set. Set it to a long random string, see .env.example.")

DATABASE_URL = os.getenv("DATABASE_URL", "sqlite:///./bookings.db")
HOST = os.getenv("HOST", "127.0.0.1")
PORT = int(os.getenv("PORT", "8000"))
LOG_LEVEL = os.getenv("LOG_LEVEL", "INFO")
DEBUG = os.getenv("DEBUG", "true").lower() == "true"
