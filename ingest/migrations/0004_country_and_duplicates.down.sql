-- The outcome 'duplicate' stays: a value of a sorting key cannot be taken back, and older releases pass over it.
ALTER TABLE events DROP COLUMN country;

ALTER TABLE errors DROP COLUMN country;
