package dev.perdure.faults.scenario;

import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.ledger.Violation;
import dev.perdure.faults.world.World;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** A schedule of each minute, which is late when somebody says so, and leaves a row for each planned time. */
final class PlannedTimes {

    private static final int MINUTES = 20;

    private final World world;
    private int rounds;

    PlannedTimes(World world) throws SQLException {
        this.world = world;
        try (Connection app = world.server().connect(LedgerTables.APP);
                Statement statement = app.createStatement()) {
            statement.execute("CREATE TABLE app.minutes (schedule text, at timestamptz)");
        }
    }

    /** A schedule with a couple of times that were not started; the worker that leads finds them within a second. */
    void makeLate() throws SQLException {
        String name = "late" + ++rounds;
        try (Connection app = world.server().connect(LedgerTables.APP);
                Statement statement = app.createStatement()) {
            statement.execute("SELECT df.create_schedule('" + name + "', '* * * * *',"
                    + " 'INSERT INTO app.minutes VALUES (''" + name + "'', ''{sys_planned_at}'')', overlap => 'allow', catch_up => '1 day')");
        }
        try (Connection owner = world.server().connect("df_worker");
                Statement statement = owner.createStatement()) {
            statement.execute("UPDATE df._schedules SET next_at = date_trunc('minute', now()) - interval '" + MINUTES
                    + " minutes', due_at = now() WHERE name = '" + name + "'");
        }
    }

    /** What is not as it must be; nothing is planned any more after this. */
    List<Violation> violations() throws SQLException {
        List<Violation> violations = new ArrayList<>();
        if (rounds == 0) {
            return violations;
        }
        world.awaitNumber(
                "SELECT count(*) FROM df._schedules s WHERE (SELECT count(*) FROM df._schedule_runs r WHERE r.schedule_id = s.id) >= " + MINUTES,
                rounds);
        try (Connection app = world.server().connect(LedgerTables.APP);
                Statement statement = app.createStatement()) {
            statement.execute("SELECT df.pause_schedule(name, 'enough') FROM df.schedules WHERE NOT paused");
        }
        violations.addAll(world.awaitAllEnded());
        try (Connection connection = world.server().connect("postgres");
                Statement statement = connection.createStatement()) {
            find(
                    statement,
                    "SELECT coalesce(r.instance_id, r.schedule), count(m.at) FROM df.schedule_runs r"
                            + " LEFT JOIN app.minutes m ON m.schedule = r.schedule AND m.at = r.planned_at"
                            + " WHERE r.outcome = 'started' GROUP BY r.schedule, r.planned_at, r.instance_id HAVING count(m.at) <> 1",
                    violations);
            find(
                    statement,
                    "SELECT m.schedule, count(*) FROM app.minutes m WHERE NOT EXISTS (SELECT FROM df.schedule_runs r"
                            + " WHERE r.schedule = m.schedule AND r.planned_at = m.at AND r.outcome = 'started') GROUP BY m.schedule",
                    violations);
        }
        return violations;
    }

    private static void find(Statement statement, String sql, List<Violation> violations) throws SQLException {
        try (ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                violations.add(new Violation(
                        rows.getInt(2) == 0 ? Violation.Kind.MISSING : Violation.Kind.DOUBLED,
                        rows.getString(1),
                        "a planned time took effect " + rows.getInt(2) + " times, or has no run"));
            }
        }
    }
}
