CREATE TABLE hotel (id INTEGER PRIMARY KEY, name TEXT, city TEXT, stars INTEGER);
CREATE TABLE room (
    id INTEGER PRIMARY KEY, hotel_id INTEGER REFERENCES hotel(id), room_number TEXT, room_type TEXT,
    price_per_night INTEGER, max_guests INTEGER);
CREATE TABLE guest (id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT, country TEXT, birth_date DATE);
CREATE TABLE booking (
    id INTEGER PRIMARY KEY, guest_id INTEGER REFERENCES guest(id), room_id INTEGER REFERENCES room(id), check_in DATE,
    check_out DATE, status TEXT, total_price INTEGER);
CREATE TABLE review (
    id INTEGER PRIMARY KEY, booking_id INTEGER REFERENCES booking(id), rating INTEGER, posted_at TIMESTAMP);
