CREATE TABLE building (
    id INTEGER PRIMARY KEY, label TEXT, district TEXT, kind TEXT, floor_area INTEGER, built_year INTEGER);
CREATE TABLE meter (
    id INTEGER PRIMARY KEY, building_id INTEGER REFERENCES building(id), serial_no TEXT, medium TEXT, installed DATE);
CREATE TABLE meter_reading (
    id INTEGER PRIMARY KEY, meter_id INTEGER REFERENCES meter(id), taken_on DATE, consumption REAL);
CREATE TABLE technician (id INTEGER PRIMARY KEY, name TEXT, team TEXT, certified BOOLEAN);
CREATE TABLE skill (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE technician_skill (
    technician_id INTEGER REFERENCES technician(id), skill_id INTEGER REFERENCES skill(id),
    PRIMARY KEY (technician_id, skill_id));
CREATE TABLE inspection (
    id INTEGER PRIMARY KEY, building_id INTEGER REFERENCES building(id),
    technician_id INTEGER REFERENCES technician(id), inspected_on DATE, score INTEGER, remarks TEXT);
