package dev.perdure.setup;

import dev.perdure.database.DatabaseUrl;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Takes Perdure away from a database, and its roles from the server. People's roles and tables stay. */
public final class Uninstall {

    /** Objects outside of schema {@code df} that depend on it: CASCADE would take them too. */
    private static final String DEPENDENTS =
            """
            WITH ours AS (
                SELECT 'pg_class'::regclass AS classid, c.oid FROM pg_class c WHERE c.relnamespace = to_regnamespace('df')
                UNION ALL SELECT 'pg_proc'::regclass, p.oid FROM pg_proc p WHERE p.pronamespace = to_regnamespace('df')
                UNION ALL SELECT 'pg_type'::regclass, t.oid FROM pg_type t WHERE t.typnamespace = to_regnamespace('df'))
            SELECT DISTINCT coalesce(nullif(i.identity, ''), pg_describe_object(d.classid, d.objid, d.objsubid))
            FROM pg_depend d JOIN ours o ON o.classid = d.refclassid AND o.oid = d.refobjid
            CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS i
            WHERE d.deptype IN ('n', 'a') AND i.schema IS DISTINCT FROM 'df' AND i.identity !~ '(^| on |[ (])df\\.'
              AND NOT (d.classid = 'pg_operator'::regclass
                       AND EXISTS (SELECT FROM pg_operator x JOIN pg_proc p ON p.oid = x.oprcode
                                   WHERE x.oid = d.objid AND p.pronamespace = to_regnamespace('df')))
            ORDER BY 1""";

    /** Other objects of the owner in this database, which DROP OWNED would take too. */
    private static final String POSSESSIONS =
            """
            SELECT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_shdepend d
            CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS i
            WHERE d.deptype = 'o' AND d.refclassid = 'pg_authid'::regclass
              AND d.refobjid = (SELECT r.oid FROM pg_roles r WHERE r.rolname = ?)
              AND d.dbid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
            ORDER BY 1""";

    private static final String DATABASES =
            """
            SELECT DISTINCT b.datname FROM pg_shdepend d JOIN pg_database b
              ON b.oid = d.dbid OR d.classid = 'pg_database'::regclass AND b.oid = d.objid
            WHERE d.refclassid = 'pg_authid'::regclass AND b.datallowconn
              AND d.refobjid = (SELECT r.oid FROM pg_roles r WHERE r.rolname = ?)
            ORDER BY 1""";

    private final String database;
    private final String owner;
    private final String group;
    private final Consumer<String> report;

    /**
     * @param group of the submitters
     * @param report is told what was done
     */
    public Uninstall(String database, String owner, String group, Consumer<String> report) {
        this.database = database;
        this.owner = owner;
        this.group = group;
        this.report = report;
    }

    /** The statements, for somebody who runs them. */
    public List<String> statements() {
        String role = Action.identifier(owner);
        String submitters = Action.identifier(group);
        return List.of(
                "DROP SCHEMA df CASCADE;   -- and with it the operators in public",
                "DROP OWNED BY " + role + ", " + submitters + ";   -- in each database that they have rights in",
                "DROP ROLE " + role + ", " + submitters + ";");
    }

    /**
     * Drops the schema, all of it or nothing.
     *
     * @param evenIfRunning whether instances that have not ended, and a worker that leads, are no reason to refuse
     * @param evenIfUsed whether objects of others that depend on the schema are no reason to refuse; they are dropped too
     */
    public void dropSchema(DatabaseUrl administrator, boolean evenIfRunning, boolean evenIfUsed)
            throws SQLException, SetupException {
        try (Connection session = Setup.connect(administrator.withDatabase(database))) {
            session.setAutoCommit(false);
            if (strings(session, "SELECT n.nspname FROM pg_namespace n WHERE n.nspname = 'df'")
                    .isEmpty()) {
                report.accept("gone     schema df");
                return;
            }
            if (strings(session, "SELECT c.relname FROM pg_class c WHERE c.oid = to_regclass('df.instances')")
                    .isEmpty()) {
                throw new SetupException(
                        "the schema df of database " + database + " is not Perdure's. Nothing was changed");
            }
            if (!evenIfRunning) {
                refuseRunning(session);
            }
            if (!evenIfUsed) {
                refuseUsed(session);
            }
            execute(session, "DROP SCHEMA df CASCADE");
            session.commit();
            report.accept("done     schema df dropped, with its operators");
        }
    }

    /** Drops owner and group, with their rights in each database. */
    public void dropRoles(DatabaseUrl administrator) throws SQLException, SetupException {
        for (String role : List.of(owner, group)) {
            dropRole(administrator, role);
        }
    }

    private void dropRole(DatabaseUrl administrator, String role) throws SQLException, SetupException {
        List<String> databases;
        try (Connection session = Setup.connect(administrator.withDatabase(database))) {
            if (strings(session, "SELECT r.rolname FROM pg_roles r WHERE r.rolname = ?", role)
                    .isEmpty()) {
                report.accept("gone     role " + role);
                return;
            }
            databases = strings(session, DATABASES, role);
        }
        for (String place : databases) {
            try (Connection session = Setup.connect(administrator.withDatabase(place))) {
                List<String> possessions = strings(session, POSSESSIONS, role);
                if (!possessions.isEmpty()) {
                    throw new SetupException("the role " + role + " still owns in database " + place + ": "
                            + String.join(", ", possessions.subList(0, Math.min(10, possessions.size())))
                            + ". It was not dropped. Drop them, or give them to somebody else (REASSIGN OWNED); of another"
                            + " database with a schema df: perdure uninstall there first");
                }
                execute(session, format(session, "DROP OWNED BY %I", role));
                report.accept("done     rights of " + role + " in database " + place + " taken back");
            }
        }
        try (Connection session = Setup.connect(administrator.withDatabase(database))) {
            execute(session, format(session, "DROP ROLE %I", role));
            report.accept("done     role " + role + " dropped");
        }
    }

    private void refuseRunning(Connection session) throws SQLException, SetupException {
        String unfinished =
                strings(session, "SELECT count(*)::text FROM df._inbox").get(0);
        if (!unfinished.equals("0")) {
            throw new SetupException(unfinished + " instances in database " + database
                    + " have not ended. Nothing was changed. Wait for them or cancel them, or say --even-if-running");
        }
        if (!strings(
                        session,
                        "SELECT '' FROM df._worker_epoch w WHERE w.last_seen_at > clock_timestamp() - interval '10 s'")
                .isEmpty()) {
            throw new SetupException(
                    "a worker leads in database " + database
                            + ". Nothing was changed. Stop all workers (a leader is forgotten after 10 s), or say --even-if-running");
        }
    }

    private void refuseUsed(Connection session) throws SQLException, SetupException {
        List<String> dependents = strings(session, DEPENDENTS);
        if (!dependents.isEmpty()) {
            throw new SetupException("objects of others depend on the schema df, and would be dropped too: "
                    + String.join(", ", dependents.subList(0, Math.min(10, dependents.size())))
                    + ". Nothing was changed. Drop or change them, or say --even-if-used");
        }
    }

    private static String format(Connection session, String template, String name) throws SQLException {
        return strings(session, "SELECT format(?::text, ?::text)", template, name)
                .get(0);
    }

    private static void execute(Connection session, String sql) throws SQLException {
        try (var statement = session.createStatement()) {
            statement.execute(sql);
        }
    }

    private static List<String> strings(Connection session, String sql, String... parameters) throws SQLException {
        try (var statement = session.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setString(i + 1, parameters[i]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                List<String> found = new ArrayList<>();
                while (rows.next()) {
                    found.add(rows.getString(1));
                }
                return found;
            }
        }
    }
}
