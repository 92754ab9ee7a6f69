-- People, places and code lists: what the loaders fill and every message is checked against.
-- PostGIS must be installed on the server; creating it wants a superuser (or do it beforehand).

CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- How names are compared when somebody searches: "Ja'an" is found by "jaan", "Komba-Komba" by "komba komba".
-- Two stored columns are made of it, place.search and list_entry.search: who changes it writes them anew.
CREATE FUNCTION search_key(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN btrim(regexp_replace(replace(lower($1), '''', ''), '[^[:alnum:]]+', ' ', 'g'));
CREATE FUNCTION search_keys(text[]) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN ARRAY(SELECT search_key(name) FROM unnest($1) AS name);

-- Wakes whoever keeps copies (LISTEN kentongan_changed). PostgreSQL sends one per transaction and payload.
CREATE FUNCTION tell_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('kentongan_changed', TG_ARGV[0]);
    RETURN NULL;
END $$;

-- Code lists --------------------------------------------------------------------------------------

CREATE TABLE list (
    key      text PRIMARY KEY CHECK (key ~ '^[a-z][a-z0-9_]*$'),
    short    text UNIQUE CHECK (short ~ '^[A-Z0-9]+$'),   -- what people type after KODE; null: not shown
    name_id  text NOT NULL CHECK (name_id <> ''),
    name_en  text NOT NULL CHECK (name_en <> ''),
    parent   text REFERENCES list,                         -- the list that entries name as their parent
    position integer NOT NULL
);

CREATE TABLE list_entry (
    list       text NOT NULL REFERENCES list,
    code       text NOT NULL CHECK (code ~ '^[A-Z0-9]+$'),
    name_id    text NOT NULL CHECK (name_id <> ''),
    name_en    text NOT NULL CHECK (name_en <> ''),
    synonyms   text[] NOT NULL DEFAULT '{}',
    parent     text,                                       -- a code of the list named by list.parent
    source     text NOT NULL,                              -- isikhnas, kentongan or the installation's own
    position   integer NOT NULL,                           -- the order of the file, which is the order shown
    retired_at timestamptz,                                -- old reports keep it, new ones may not use it
    search     text[] NOT NULL GENERATED ALWAYS AS (search_keys(ARRAY[code, name_id, name_en] || synonyms)) STORED,
    PRIMARY KEY (list, code)
);

CREATE FUNCTION list_entry_parent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.parent IS NOT NULL AND NOT EXISTS (
        SELECT FROM list l JOIN list_entry e ON e.list = l.parent AND e.code = NEW.parent WHERE l.key = NEW.list
    ) THEN
        RAISE foreign_key_violation USING TABLE = 'list_entry', COLUMN = 'parent',
            MESSAGE = 'the parent of a list entry is not in the list that its list names';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER list_entry_parent AFTER INSERT OR UPDATE OF list, parent ON list_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION list_entry_parent();

-- Places ------------------------------------------------------------------------------------------

-- A tree: level 1 is the top (province), 4 the village; the words are in the list place_level.
CREATE TABLE place (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent     bigint REFERENCES place,
    level      smallint NOT NULL CHECK (level BETWEEN 1 AND 9),
    name       text NOT NULL CHECK (name <> ''),
    search     text NOT NULL GENERATED ALWAYS AS (search_key(name)) STORED,
    path       bigint[] NOT NULL,                          -- from the top down to itself, kept by the loader
    point      geometry(Point, 4326),
    area       geometry(MultiPolygon, 4326),
    retired_at timestamptz,
    CHECK ((parent IS NULL) = (cardinality(path) = 1)),
    CHECK (path[cardinality(path)] = id),
    CHECK (parent IS NULL OR path[cardinality(path) - 1] = parent)
);
CREATE INDEX place_parent ON place (parent);
CREATE INDEX place_search ON place (search);
CREATE INDEX place_near ON place USING gin (search gin_trgm_ops);
CREATE INDEX place_point ON place USING gist (point);
CREATE INDEX place_area ON place USING gist (area);

-- A place has codes in several systems (kemendagri, isikhnas, bps), and codes change hands in time.
CREATE TABLE place_code (
    system     text NOT NULL CHECK (system ~ '^[a-z][a-z0-9_]*$'),
    code       text NOT NULL CHECK (code ~ '^[A-Z0-9]+$'),
    place      bigint NOT NULL REFERENCES place,
    valid_from date NOT NULL DEFAULT current_date,
    valid_to   date CHECK (valid_to >= valid_from)         -- null: still valid
);
CREATE UNIQUE INDEX place_code_valid ON place_code (code, system) WHERE valid_to IS NULL;
CREATE INDEX place_code_place ON place_code (place);

-- People ------------------------------------------------------------------------------------------

CREATE TABLE permission (
    code       text PRIMARY KEY CHECK (code ~ '^can_[a-z0-9_]+$'),
    name_id    text NOT NULL CHECK (name_id <> ''),
    name_en    text NOT NULL CHECK (name_en <> ''),
    by_default boolean NOT NULL DEFAULT false              -- every user type has it
);

-- The names of user types are entries of the list user_type.
CREATE TABLE user_type (
    code     text PRIMARY KEY,
    list     text NOT NULL DEFAULT 'user_type' CHECK (list = 'user_type'),
    receives boolean NOT NULL,                             -- may be told about other people's reports
    may      text[] NOT NULL DEFAULT '{}',                 -- what its people may do; kept by a trigger
    FOREIGN KEY (list, code) REFERENCES list_entry (list, code)
);

CREATE TABLE user_type_permission (
    user_type  text NOT NULL REFERENCES user_type,
    permission text NOT NULL REFERENCES permission,
    PRIMARY KEY (user_type, permission)
);

-- user_type.may saves sixty rows per incoming message. The tables behind it are tiny and seldom change; without
-- figures about them the planner takes them for large and compiles the statement, fifty times dearer than running it.
CREATE FUNCTION user_type_may() RETURNS trigger LANGUAGE plpgsql SET jit = off AS $$
BEGIN
    UPDATE user_type t SET may = n.codes
      FROM (SELECT u.code, array_remove(array_agg(x.permission ORDER BY x.permission), NULL) AS codes
              FROM user_type u
              LEFT JOIN (SELECT user_type, permission FROM user_type_permission
                         UNION
                         SELECT a.code, p.code FROM user_type a, permission p WHERE p.by_default) x
                     ON x.user_type = u.code
             GROUP BY u.code) AS n
     WHERE t.code = n.code AND t.may <> n.codes;
    RETURN NULL;
END $$;
CREATE TRIGGER may AFTER INSERT ON user_type
    FOR EACH STATEMENT EXECUTE FUNCTION user_type_may();
CREATE TRIGGER may AFTER INSERT OR UPDATE OR DELETE ON permission
    FOR EACH STATEMENT EXECUTE FUNCTION user_type_may();
CREATE TRIGGER may AFTER INSERT OR UPDATE OR DELETE ON user_type_permission
    FOR EACH STATEMENT EXECUTE FUNCTION user_type_may();

CREATE TABLE person (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL CHECK (name <> ''),
    language   text NOT NULL CHECK (language IN ('id', 'en')),
    user_type  text NOT NULL REFERENCES user_type,
    home_place bigint REFERENCES place,                    -- where a report is that names no place
    state      text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'left')),
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- Which kind of address a channel uses: one phone number serves sms, console and, one day, others.
CREATE TABLE channel (
    name         text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]*$'),
    address_kind text NOT NULL CHECK (address_kind ~ '^[a-z][a-z0-9_]*$'),
    is_default   boolean NOT NULL DEFAULT false            -- takes what goes to an address of this kind
);
CREATE UNIQUE INDEX channel_default ON channel (address_kind) WHERE is_default;
INSERT INTO channel (name, address_kind, is_default)
VALUES ('email', 'email', true), ('console', 'phone', true), ('sms', 'phone', false);

-- An address belongs to one person or, while only a bounce of it is known, to nobody; never to two.
CREATE TABLE contact (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person      bigint REFERENCES person ON DELETE SET NULL,
    kind        text NOT NULL,                             -- phone, email, ...: channel.address_kind
    address     text NOT NULL CHECK (address <> ''),       -- canonical: +62..., small letters
    channel     text REFERENCES channel,                   -- by which to send; null: the kind's default
    preference  smallint NOT NULL DEFAULT 1,               -- 1 is tried first
    state       text NOT NULL DEFAULT 'ok' CHECK (state IN ('ok', 'failing', 'suppressed')),
    state_reason text,
    state_since  timestamptz,
    UNIQUE (kind, address),
    CHECK (kind <> 'phone' OR address ~ '^\+[1-9][0-9]{6,14}$'),
    CHECK (kind <> 'email' OR (address = lower(address) AND address ~ '^[^@[:space:]]+@[^@[:space:]]+$')),
    CHECK ((state = 'ok') = (state_since IS NULL)),
    CHECK (state = 'ok' OR state_reason <> '')
);
CREATE INDEX contact_person ON contact (person);

-- Areas of responsibility: decide who is alerted about a place (the area is it or one of its ancestors).
CREATE TABLE person_area (
    person bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    place  bigint NOT NULL REFERENCES place,
    PRIMARY KEY (person, place)
);
CREATE INDEX person_area_place ON person_area (place);

-- What one person may do beyond the user type (granted) or may not do in spite of it.
CREATE TABLE person_permission (
    person     bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    permission text NOT NULL REFERENCES permission,
    granted    boolean NOT NULL,
    PRIMARY KEY (person, permission)
);

-- What the program ships is loaded once per version, so that it never undoes an installation's own changes.
CREATE TABLE shipped (
    file      text PRIMARY KEY,
    digest    text NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now()
);

-- Copies are dropped ------------------------------------------------------------------------------

DO $$
DECLARE pair text[];
BEGIN
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['list', 'lists'], ['list_entry', 'lists'], ['place', 'places'], ['place_code', 'places'],
        ['permission', 'people'], ['user_type', 'people'], ['user_type_permission', 'people'],
        ['person', 'people'], ['channel', 'people'],
        ['person_area', 'people'], ['person_permission', 'people']]
    LOOP
        EXECUTE format('CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION tell_changed(%L)', pair[1], pair[2]);
    END LOOP;
END $$;
-- Every mail that gets through looks whether its address was failing, and mostly it was not.
CREATE TRIGGER changed AFTER INSERT OR DELETE OR TRUNCATE ON contact
    FOR EACH STATEMENT EXECUTE FUNCTION tell_changed('people');
CREATE TRIGGER changed_row AFTER UPDATE ON contact
    FOR EACH ROW WHEN (old IS DISTINCT FROM new) EXECUTE FUNCTION tell_changed('people');
