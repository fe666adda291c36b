CREATE TABLE ward (ward_id INTEGER PRIMARY KEY, ward_name TEXT NOT NULL, floor INTEGER, bed_count INTEGER);
CREATE TABLE patient (
    patient_id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT, birth_date DATE, sex TEXT, blood_type TEXT,
    home_town TEXT);
CREATE TABLE physician (
    physician_id INTEGER PRIMARY KEY, full_name TEXT, specialty TEXT, hired_on DATE, office_phone TEXT);
CREATE TABLE nurse (
    nurse_id INTEGER PRIMARY KEY, full_name TEXT, ward_id INTEGER REFERENCES ward(ward_id), grade TEXT, hired_on DATE);
CREATE TABLE admission (
    admission_id INTEGER PRIMARY KEY, patient_id INTEGER REFERENCES patient(patient_id),
    ward_id INTEGER REFERENCES ward(ward_id), physician_id INTEGER REFERENCES physician(physician_id),
    admitted_on DATE, discharged_on DATE, reason TEXT, urgent BOOLEAN);
CREATE TABLE medication (
    medication_id INTEGER PRIMARY KEY, generic_name TEXT, brand_name TEXT, form TEXT, unit_cost REAL);
CREATE TABLE prescription (
    prescription_id INTEGER PRIMARY KEY, admission_id INTEGER REFERENCES admission(admission_id),
    medication_id INTEGER REFERENCES medication(medication_id), dose_mg INTEGER, times_per_day INTEGER, started_on DATE);
