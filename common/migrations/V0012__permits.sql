-- What a permit says besides its animals, and what became of messages.

-- The owner's identity card as it was typed: an owner need not be registered to move animals.
ALTER TABLE permit ADD COLUMN identity text NOT NULL, ADD COLUMN valid_until date NOT NULL;
CREATE INDEX infrastructure_office ON infrastructure (place) WHERE type = 'DNS';
