-- Groups of people: what somebody may do beyond their user type because of the work that they share.
-- May do = the user type's and everybody's (user_type.may), and their groups', and granted, less revoked.

CREATE TABLE user_group (
    code    text PRIMARY KEY CHECK (code ~ '^[A-Z0-9]+$'),
    name_id text NOT NULL CHECK (name_id <> ''),
    name_en text NOT NULL CHECK (name_en <> '')
);

CREATE TABLE user_group_permission (
    user_group text NOT NULL REFERENCES user_group,
    permission text NOT NULL REFERENCES permission,
    PRIMARY KEY (user_group, permission)
);

-- Of those who write most are in no group: one look into the key says so.
CREATE TABLE person_group (
    person     bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    user_group text NOT NULL REFERENCES user_group,
    PRIMARY KEY (person, user_group)
);
CREATE INDEX person_group_group ON person_group (user_group);

-- Whoever keeps copies of people forgets them.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['user_group', 'user_group_permission', 'person_group']
    LOOP
        EXECUTE format('CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION tell_changed(''people'')', name);
    END LOOP;
END $$;
