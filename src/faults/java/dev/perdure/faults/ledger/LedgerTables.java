package dev.perdure.faults.ledger;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/** The tables of the ledger: none has a key, so that what happens twice is there twice. */
public final class LedgerTables {

    /** The role that owns the ledger and starts workflows. */
    public static final String APP = "app";

    /** A role whose commits are not waited for: a crash of the server can take back what it has done last. */
    public static final String ASYNC = "app_async";

    /** In a second so many instances of the queue begin at most. */
    static final int RATE = 15;

    private static final String CREATE =
            """
            CREATE TABLE app.effects (
                instance text NOT NULL,
                step     text NOT NULL,
                began    timestamptz NOT NULL DEFAULT now(),
                at       timestamptz NOT NULL DEFAULT clock_timestamp(),
                xid      xid8 NOT NULL DEFAULT pg_current_xact_id());
            CREATE INDEX ON app.effects (instance);
            GRANT SELECT, INSERT ON app.effects TO public;
            CREATE TABLE app.mended (instance text);
            GRANT SELECT, INSERT ON app.mended TO public;
            SELECT df.create_queue('crowd', concurrency => 12, concurrency_per_key => 4, rate => %d), df.grant_queue('crowd', 'app_async');
            CREATE SEQUENCE app.coin;
            GRANT USAGE ON app.coin TO public;
            CREATE PROCEDURE app.record_outside(i text, s text) LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO app.effects (instance, step) VALUES (i, s);
                COMMIT;
                PERFORM pg_sleep(0.01);
            END $$;
            CREATE TABLE app.late (left_over int);
            CREATE FUNCTION app.again() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                -- Also where somebody has asked for them at once.
                SET CONSTRAINTS ALL DEFERRED;
                IF tg_op = 'UPDATE' THEN
                    PERFORM pg_sleep(0.2);
                END IF;
                UPDATE app.late SET left_over = left_over - 1 WHERE ctid = new.ctid AND left_over > 0;
                RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER again AFTER INSERT OR UPDATE ON app.late DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION app.again();
            """
                    .formatted(RATE);

    /** Ends of instances, written by a trigger: what ends twice is there twice, whatever its row says in the end. */
    private static final String WATCH =
            """
            CREATE SCHEMA watch;
            CREATE TABLE watch.ends (instance text, before text, after text, at timestamptz DEFAULT clock_timestamp());
            CREATE FUNCTION watch.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
            BEGIN
                INSERT INTO watch.ends (instance, before, after) VALUES (new.id, old.status, new.status);
                RETURN new;
            END $$;
            CREATE TRIGGER zz_watch AFTER UPDATE OF status ON df.instances FOR EACH ROW
                WHEN (old.status IS DISTINCT FROM new.status
                      AND (old.status IN ('completed', 'failed', 'cancelled')
                           OR new.status IN ('completed', 'failed', 'cancelled')))
                EXECUTE FUNCTION watch.note();
            CREATE ROLE app_async LOGIN;
            ALTER ROLE app_async SET synchronous_commit = off;
            GRANT USAGE ON SCHEMA app TO app_async;
            """;

    private LedgerTables() {}

    /**
     * Creates them in a database that has schema {@code df}, and the roles that write to them.
     *
     * @param app a session of {@link #APP}, which owns a schema of that name
     */
    public static void create(Connection superuser, Connection owner, Connection app) throws SQLException {
        execute(superuser, WATCH);
        execute(owner, "SELECT df.grant_usage(role, include_http => true) FROM unnest('{" + APP + ", " + ASYNC + "}'::text[]) AS role");
        execute(app, CREATE);
        execute(app, ConditionStep.TABLE);
        execute(app, CalledPart.DEFINE);
        execute(app, ActivityStep.GRANT);
        execute(app, SectionPart.QUEUE);
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
