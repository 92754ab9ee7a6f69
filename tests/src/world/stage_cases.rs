//! What the examples of the codes around cases speak of, besides the demo's people: a laboratory, a control
//! programme, an owner with three cows.

/// Inserts it; for a transaction that is rolled back. Their numbers are far from those that codes give.
pub const SQL: &str = "
    INSERT INTO infrastructure (code, type, name, place)
    SELECT '730801', 'LAB', 'BBVet Maros', p.place FROM place_code p
     WHERE p.system = 'kemendagri' AND p.code = '7309' AND p.valid_to IS NULL
        ON CONFLICT DO NOTHING;
    INSERT INTO program (id, kind, name_id, name_en)
    VALUES (903, 'control', 'Pengendalian flu burung', 'Avian influenza control') ON CONFLICT DO NOTHING;
    INSERT INTO owner (id, name, place, registered_at) OVERRIDING SYSTEM VALUE
    SELECT 900001, 'Budi Peternak', p.place, now() FROM place_code p
     WHERE p.system = 'isikhnas' AND p.code = '72060202' AND p.valid_to IS NULL;
    INSERT INTO owner_key (owner, kind, digits) VALUES (900001, 'phone', '081277700001');
    INSERT INTO animal (owner, code, kind, species, sex, registered_at)
    SELECT 900001, 'K' || n, 'SPBA', 'SP', 'B', now() FROM generate_series(1, 3) AS n;";
