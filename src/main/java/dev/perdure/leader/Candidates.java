package dev.perdure.leader;

/** Questions for other workers of a fleet, by the names of their sessions ({@link Spread#sessionName()}). */
final class Candidates {

    private static final String OTHERS =
            """
            a.usename = current_user AND a.pid <> pg_backend_pid() AND a.datname = current_database()
            AND substring(a.application_name from '^perdure-leader, leads ([0-9]{1,4})$')::integer <= $1""";

    /** Whether one stands for election that leads so few databases. It may be frozen. */
    static final String STANDS = "SELECT EXISTS (SELECT FROM pg_stat_activity a WHERE " + OTHERS + ")";

    /** Whether one that leads so few, and whose session is so old, waits for the lock at this moment: one that is frozen does not. */
    static final String WAITS =
            "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE " + OTHERS
                    + " AND a.backend_start < clock_timestamp() - $2 * interval '1 ms'"
                    + " AND l.locktype = 'advisory' AND l.objsubid = 1 AND NOT l.granted"
                    + " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                    + " AND (l.classid::bigint << 32 | l.objid::bigint) = $3)";

    private Candidates() {}
}
