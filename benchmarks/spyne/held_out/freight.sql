CREATE TABLE depots (id INTEGER PRIMARY KEY, code TEXT UNIQUE, city TEXT, country TEXT, capacity_m3 INTEGER);
CREATE TABLE vehicles (
    id INTEGER PRIMARY KEY, plate TEXT UNIQUE, make TEXT, model TEXT, purchase_price INTEGER,
    depot_id INTEGER REFERENCES depots(id), max_load_kg INTEGER, build_year INTEGER);
CREATE TABLE drivers (
    id INTEGER PRIMARY KEY, name TEXT, licence_class TEXT, hire_date DATE,
    home_depot_id INTEGER REFERENCES depots(id), hourly_wage REAL);
CREATE TABLE clients (
    id INTEGER PRIMARY KEY, company TEXT, contact_name TEXT, contact_email TEXT, billing_city TEXT, segment TEXT);
CREATE TABLE shipments (
    id INTEGER PRIMARY KEY, client_id INTEGER REFERENCES clients(id), origin_depot_id INTEGER REFERENCES depots(id),
    destination_depot_id INTEGER REFERENCES depots(id), vehicle_id INTEGER REFERENCES vehicles(id),
    driver_id INTEGER REFERENCES drivers(id), gross_weight_kg INTEGER, net_weight_kg INTEGER, freight_charge INTEGER,
    insurance_charge INTEGER, status TEXT, picked_up_at TIMESTAMP, delivered_at TIMESTAMP);
