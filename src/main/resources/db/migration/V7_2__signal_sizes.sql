-- The worker reads the oldest signal of each name that something waits for: a signal without a limit fills its memory, and
-- does so again after each restart.
CREATE OR REPLACE FUNCTION df._check_signal() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF octet_length(new.name) > 1024 THEN
        PERFORM df._violates('signals', 'signals_name_size_chk');
    END IF;
    PERFORM df._violates('signals', 'signals_data_size_chk');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION df._check_signal() IS
    'Internal: limits of a signal in bytes: its name 1024, its data as JSON text 1 MiB.';
CREATE TRIGGER signals_check_sizes BEFORE INSERT ON df.signals FOR EACH ROW
    WHEN (octet_length(new.name) > 1024 OR octet_length(new.data::text) > 1048576)
    EXECUTE FUNCTION df._check_signal();
-- Those that were sent before end the wait for them, with data that says what happened.
UPDATE df.signals SET data = '"the data of this signal was larger than 1 MiB"'
WHERE consumed_at IS NULL AND octet_length(data::text) > 1048576;
