CREATE TABLE stations (id INTEGER PRIMARY KEY, station_name TEXT, district TEXT, docks INTEGER);
CREATE TABLE bikes (id INTEGER PRIMARY KEY, model TEXT, electric BOOLEAN, bought_on DATE);
CREATE TABLE riders (id INTEGER PRIMARY KEY, username TEXT, plan TEXT, joined DATE, birth_year INTEGER);
CREATE TABLE trips (
    id INTEGER PRIMARY KEY, bike_id INTEGER REFERENCES bikes(id), rider_id INTEGER REFERENCES riders(id),
    start_station_id INTEGER REFERENCES stations(id), end_station_id INTEGER REFERENCES stations(id),
    started_at TIMESTAMP, duration_min INTEGER, distance_km REAL, price REAL);
CREATE TABLE repairs (
    id INTEGER PRIMARY KEY, bike_id INTEGER REFERENCES bikes(id), repaired_on DATE, part TEXT, cost REAL);
