-- Owners by the name of their village's register: DP asks whether somebody else has just registered the same one.
CREATE INDEX owner_name ON owner (place, search_key(name), registered_at DESC);
