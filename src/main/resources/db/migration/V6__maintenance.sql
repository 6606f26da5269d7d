-- Deleting an instance deletes its signals, consumed ones too.
CREATE INDEX IF NOT EXISTS idx_signals_instance ON df.signals (instance_id);
