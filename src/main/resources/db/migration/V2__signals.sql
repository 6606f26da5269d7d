-- What the leader has not looked at yet. Signals are kept until something waits for them, so they can be many: a look
-- for what is new must not read the old ones again and again.
ALTER TABLE df.signals ADD COLUMN seen boolean NOT NULL DEFAULT false;
CREATE INDEX idx_signals_unseen ON df.signals (id) WHERE NOT seen;
COMMENT ON COLUMN df.signals.seen IS 'The leader knows that the signal has come.';
COMMENT ON COLUMN df.signals.consumed_by IS 'Id of the node that waited for the signal.';
