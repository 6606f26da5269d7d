package dev.perdure.database;

import java.util.LinkedHashMap;
import java.util.Map;

/** Settings that every session of the owner of schema {@code df} pins, so that nothing set for the role or the database changes its work. */
public final class OwnerSettings {

    private static final Map<String, String> ALL = all();

    private OwnerSettings() {}

    /** All of them, and further settings of a session, which win. */
    public static Map<String, String> with(Map<String, String> special) {
        Map<String, String> settings = new LinkedHashMap<>(ALL);
        settings.putAll(special);
        return settings;
    }

    private static Map<String, String> all() {
        Map<String, String> settings = new LinkedHashMap<>();
        // What a text means.
        settings.put("search_path", "pg_catalog, pg_temp");
        settings.put("standard_conforming_strings", "on");
        settings.put("backslash_quote", "safe_encoding");
        settings.put("array_nulls", "on");
        settings.put("transform_null_equals", "off");
        settings.put("quote_all_identifiers", "off");
        settings.put("xmloption", "content");
        settings.put("row_security", "on");
        // How a value is written.
        settings.put("DateStyle", "ISO, MDY");
        settings.put("IntervalStyle", "postgres");
        settings.put("TimeZone", "UTC");
        settings.put("extra_float_digits", "1");
        settings.put("bytea_output", "hex");
        // What a transaction is.
        settings.put("default_transaction_isolation", "read committed");
        settings.put("default_transaction_read_only", "off");
        settings.put("default_transaction_deferrable", "off");
        // What ends a statement, a transaction or a session.
        settings.put("statement_timeout", "0");
        settings.put("lock_timeout", "5s");
        settings.put("transaction_timeout", "0");
        settings.put("idle_in_transaction_session_timeout", "60s");
        settings.put("idle_session_timeout", "0");
        // Where tables are made, and how plans are.
        settings.put("default_tablespace", "");
        settings.put("temp_tablespaces", "");
        settings.put("default_table_access_method", "heap");
        settings.put("check_function_bodies", "on");
        settings.put("client_min_messages", "notice");
        settings.put("jit", "off");
        // The server gives up a session whose worker, or the network to it, is gone.
        settings.put("tcp_keepalives_idle", "10");
        settings.put("tcp_keepalives_interval", "5");
        settings.put("tcp_keepalives_count", "3");
        settings.put("tcp_user_timeout", "30s");
        return settings;
    }
}
