CREATE TABLE artist (artist_id INTEGER PRIMARY KEY, name TEXT, nationality TEXT, born INTEGER, died INTEGER);
CREATE TABLE artwork (
    artwork_id INTEGER PRIMARY KEY, title TEXT, artist_id INTEGER REFERENCES artist(artist_id), medium TEXT,
    year_created INTEGER, insured_value INTEGER, room_id INTEGER REFERENCES gallery_room(room_id));
CREATE TABLE gallery_room (room_id INTEGER PRIMARY KEY, room_name TEXT, floor INTEGER);
CREATE TABLE exhibition (exhibition_id INTEGER PRIMARY KEY, title TEXT, opens DATE, closes DATE, ticket_price INTEGER);
CREATE TABLE exhibition_artwork (
    exhibition_id INTEGER REFERENCES exhibition(exhibition_id), artwork_id INTEGER REFERENCES artwork(artwork_id),
    PRIMARY KEY (exhibition_id, artwork_id));
CREATE TABLE visit (visit_id INTEGER PRIMARY KEY, exhibition_id INTEGER REFERENCES exhibition(exhibition_id),
    visited_on DATE, visitors INTEGER);
