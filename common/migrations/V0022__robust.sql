-- Animals of a herd that are gone, for questions about them.
CREATE INDEX animal_gone ON animal (owner, code) WHERE state = 'gone';
CREATE INDEX animal_gone ON training.animal (owner, code) WHERE state = 'gone';
