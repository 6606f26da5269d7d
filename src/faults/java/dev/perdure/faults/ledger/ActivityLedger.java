package dev.perdure.faults.ledger;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** What programs have written of activities, in a table without a key, and the workflows that want it written: one row for each that completed. */
public final class ActivityLedger {

    /** By which programs ask for them. */
    public static final String KIND = "written";

    private static final String CREATE = "CREATE TABLE app.written (ledger text NOT NULL, number integer NOT NULL, by text NOT NULL);"
            + " CREATE INDEX ON app.written (ledger, number)";
    private static final String ACTIVITY =
            "df.activity('written', '{\"ledger\": \"%s\", \"n\": $item.n}', lease => '2 s', max_attempts => 1000000)";
    /** An item that is nothing but an activity, and one with something around it. */
    private static final List<String> BODIES = List.of("%s", "%s", "%s", "df.retry(%s, 3, '10 ms')");

    private static final String NOT_AS_IT_SHOULD =
            """
            SELECT concat_ws(' ', m.label, 'item', m.n, m.status, 'written', coalesce(w.times, 0), 'times')
            FROM (SELECT i.label, (x.item ->> 'n')::int AS n, x.status FROM df.instances i JOIN df.map_items x ON x.instance_id = i.id
                  WHERE i.label LIKE 'ledger%') AS m
            FULL JOIN (SELECT ledger, number, count(*) AS times FROM app.written WHERE ledger NOT LIKE 'plain%' GROUP BY 1, 2) AS w ON w.ledger = m.label AND w.number = m.n
            WHERE coalesce(w.times, 0) <> CASE WHEN m.status = 'completed' THEN 1 ELSE 0 END
            UNION ALL
            SELECT concat_ws(' ', 'plain activities of', i.label, 'written', count(w.*), 'times')
            FROM df.instances i LEFT JOIN app.written w ON w.ledger = i.label WHERE i.label LIKE 'plain%' AND i.status = 'completed'
            GROUP BY i.label HAVING count(w.*) <> 3
            UNION ALL
            SELECT concat_ws(' ', 'activity', a.id, 'of', a.instance_id, 'is left, claimed by', a.claimed_by) FROM df._activities a
            """;

    private ActivityLedger() {}

    /** Makes the table. */
    public static void create(Connection app) throws SQLException {
        try (Statement statement = app.createStatement()) {
            statement.execute(CREATE);
        }
    }

    /** Starts a map of activities; one in five is cut off by a time limit. */
    public static void startMap(Connection app, int number, int items) throws SQLException {
        String label = "ledger" + number;
        String body = BODIES.get(number % BODIES.size()).formatted(ACTIVITY.formatted(label));
        String map = "df.map('SELECT n FROM generate_series(1, " + items + ") AS n', " + body
                + ", max_concurrent => 300, on_failure => 'continue')";
        start(app, number % 5 == 4 ? "df.timeout(" + map + ", '4 s', 'SELECT 1')" : map, label);
    }

    /** Starts three activities, one after the other. */
    public static void startPlain(Connection app, int number) throws SQLException {
        String label = "plain" + number;
        String one = "df.retry(df.activity('written', '{\"ledger\": \"" + label + "\", \"n\": 1}', lease => '2 s', max_attempts => 1000000), 20, '10 ms')";
        start(app, String.join(" ~> ", one, one, one), label);
    }

    private static void start(Connection app, String expression, String label) throws SQLException {
        try (PreparedStatement statement = app.prepareStatement("SELECT df.start(" + expression.replace("?", "??") + ", ?)")) {
            statement.setString(1, label);
            statement.executeQuery().close();
        }
    }

    /** What is lost, doubled, or left. */
    public static List<String> check(Connection superuser) throws SQLException {
        List<String> wrong = new ArrayList<>();
        try (Statement statement = superuser.createStatement();
                ResultSet row = statement.executeQuery(NOT_AS_IT_SHOULD)) {
            while (row.next()) {
                wrong.add(row.getString(1));
            }
        }
        return wrong;
    }
}
