package dev.perdure.database;

/** Holder of a lock, in words, for logs and health. */
public final class LockHolder {

    /**
     * An SQL expression of type text about a granted row {@code l} of {@code pg_locks}: the session, or the prepared transaction,
     * which holds its locks without one. What it says was chosen by who holds it, in part.
     */
    public static final String DESCRIPTION =
            """
            coalesce(
                (SELECT concat('the session with pid ', a.pid, ' of ',
                               coalesce('role ' || quote_ident(a.usename), a.backend_type),
                               ' (' || nullif(a.application_name, '') || ')', ' from ' || host(a.client_addr))
                 FROM pg_catalog.pg_stat_activity a WHERE a.pid = l.pid),
                (SELECT concat('the prepared transaction ', quote_literal(p.gid), ' of role ', quote_ident(p.owner),
                               ' (ROLLBACK PREPARED ends it)')
                 FROM pg_catalog.pg_prepared_xacts p JOIN pg_catalog.pg_locks t ON t.transactionid = p.transaction
                 WHERE l.pid IS NULL AND t.pid IS NULL AND t.locktype = 'transactionid' AND t.granted
                   AND t.virtualtransaction = l.virtualtransaction LIMIT 1),
                'an unknown session')""";

    private LockHolder() {}
}
