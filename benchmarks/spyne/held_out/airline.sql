CREATE TABLE airports (iata TEXT PRIMARY KEY, name TEXT, city TEXT, country TEXT);
CREATE TABLE aircraft (tail_no TEXT PRIMARY KEY, model TEXT, seats INTEGER, built_on DATE);
CREATE TABLE flights (
    flight_id INTEGER PRIMARY KEY, flight_no TEXT, dep_airport TEXT REFERENCES airports(iata),
    arr_airport TEXT REFERENCES airports(iata), tail_no TEXT REFERENCES aircraft(tail_no), departure_time TIMESTAMP,
    arrival_time TIMESTAMP, delay_minutes INTEGER, cancelled BOOLEAN);
CREATE TABLE passengers (passenger_id INTEGER PRIMARY KEY, full_name TEXT, nationality TEXT, frequent_flyer BOOLEAN);
CREATE TABLE tickets (
    ticket_id INTEGER PRIMARY KEY, flight_id INTEGER REFERENCES flights(flight_id),
    passenger_id INTEGER REFERENCES passengers(passenger_id), cabin TEXT, fare REAL);
