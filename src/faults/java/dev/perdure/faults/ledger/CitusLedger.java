package dev.perdure.faults.ledger;

import dev.perdure.testing.CitusCluster;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Tables without keys that are distributed over the nodes of Citus, and workflows whose steps write there. What happens twice is there
 * twice; what was started, and what was signalled, was so in one transaction with a row of a node.
 */
public final class CitusLedger {

    /** The role that owns the ledger and starts workflows. */
    public static final String APP = "citus_faults";

    private static final String PUT =
            "INSERT INTO effects VALUES (hashtext(''{sys_instance_id}%1$s''), ''{sys_instance_id}'', ''%1$s'')";
    /** What a start makes of an instance, and the effects that it must leave. */
    private static final List<String> SHAPES = List.of(
            // Short steps, which may share a transaction.
            "%1$s ~> %2$s ~> %3$s ~> %4$s",
            "(%1$s & %2$s & %3$s) ~> df.sleep(1) ~> %4$s",
            "%1$s ~> 'INSERT INTO effects SELECT hashtext(''{sys_instance_id}'' || g), ''{sys_instance_id}'', g"
                    + " FROM unnest(''{2,3,4}''::text[]) AS g'",
            "df.map('SELECT g FROM generate_series(1, 4) AS g',"
                    + " 'INSERT INTO effects VALUES (hashtext(''{sys_instance_id}'' || $item), ''{sys_instance_id}'', $item)')",
            "df.wait_for_signal('go') ~> %1$s ~> %2$s ~> 'UPDATE states SET n = n + 1' ~> %3$s ~> %4$s");

    /** The kind that waits for a signal. */
    private static final int WAITING = SHAPES.size() - 1;

    private CitusLedger() {}

    /** Creates the tables in a database that has schema {@code df} on its coordinator. */
    public static void create(CitusCluster cluster) throws SQLException {
        cluster.createUser(APP);
        cluster.execute(
                APP,
                """
                CREATE TABLE effects (k int, instance text, step text);
                SELECT create_distributed_table('effects', 'k', shard_count := 8);
                CREATE TABLE orders (k text, instance text);
                SELECT create_distributed_table('orders', 'k', shard_count := 4, colocate_with := 'none');
                CREATE TABLE told (k text, instance text);
                SELECT create_distributed_table('told', 'k', colocate_with := 'orders');
                CREATE TABLE states (k int, n int);
                SELECT create_distributed_table('states', 'k', shard_count := 4, colocate_with := 'none');
                INSERT INTO states SELECT g, 0 FROM generate_series(1, 4) AS g""");
    }

    /**
     * Starts an instance in the transaction of a row on one shard, and one that waits is told so in another such transaction.
     *
     * @param number which decides what is started
     */
    public static void start(Connection session, int number) throws SQLException {
        int shape = number % SHAPES.size();
        String[] steps = new String[4];
        for (int i = 0; i < steps.length; i++) {
            steps[i] = "'" + PUT.formatted(Integer.toString(i + 1)) + "'";
        }
        // Whatever fails: the caller closes the session.
        session.setAutoCommit(false);
        String id = String.valueOf(TestDatabase.rows(
                        session,
                        "SELECT df.start(" + String.format(Locale.ROOT, SHAPES.get(shape), (Object[]) steps) + ", 'shape "
                                + shape + "')")
                .get(0)
                .get(0));
        execute(session, "INSERT INTO orders VALUES ('" + id + "', '" + id + "')");
        session.commit();
        session.setAutoCommit(true);
        if (shape == WAITING) {
            tell(session, id);
        }
    }

    /** Sends the signal in the transaction of a row on one shard. */
    private static void tell(Connection session, String id) throws SQLException {
        session.setAutoCommit(false);
        execute(session, "INSERT INTO told VALUES ('" + id + "', '" + id + "')");
        execute(session, "SELECT df.signal('" + id + "', 'go')");
        session.commit();
        session.setAutoCommit(true);
    }

    /** Tells those that nobody has told, since a crash took it back or came before; how many. */
    public static int tellTheOthers(Connection session) throws SQLException {
        List<List<@Nullable String>> waiting = TestDatabase.rows(
                session,
                "SELECT i.id FROM df.instances i WHERE i.label = 'shape " + WAITING + "' AND i.status IN ('pending', 'running')"
                        + " AND NOT EXISTS (SELECT FROM df.signals s WHERE s.instance_id = i.id)");
        for (List<@Nullable String> instance : waiting) {
            tell(session, String.valueOf(instance.get(0)));
        }
        return waiting.size();
    }

    private static void execute(Connection session, String sql) throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute(sql);
        }
    }

    /**
     * What was found in the end.
     *
     * @param instances that were started
     * @param effects rows that steps have left
     */
    public record Found(
            long instances, long effects, long lost, long doubled, long notCompleted, long ordersAmiss, long signalsAmiss, long statesAmiss) {

        /** Whether all is as it must be. */
        public boolean isRight() {
            return lost + doubled + notCompleted + ordersAmiss + signalsAmiss + statesAmiss == 0;
        }

        /** For people. */
        public String text() {
            return String.format(
                    Locale.ROOT,
                    "%d instances, %d effects: %d lost, %d doubled; %d instances not completed; %d starts and %d signals without their row on a"
                            + " node, or the reverse; %d updates of many shards amiss",
                    instances, effects, lost, doubled, notCompleted, ordersAmiss, signalsAmiss, statesAmiss);
        }
    }

    /** Compares the tables, when nothing runs and nothing is prepared any more. */
    public static Found check(Connection superuser) throws SQLException {
        List<String> copies = new ArrayList<>();
        for (String table : List.of("effects", "orders", "told", "states")) {
            copies.add("CREATE TEMP TABLE c_" + table + " AS SELECT * FROM " + table);
        }
        for (String copy : copies) {
            execute(superuser, copy);
        }
        List<@Nullable String> row = TestDatabase.rows(
                        superuser,
                        """
                        WITH wanted AS (SELECT i.id, g.step FROM df.instances i CROSS JOIN unnest('{1,2,3,4}'::text[]) AS g(step)),
                             had AS (SELECT instance, step, count(*) AS n FROM c_effects GROUP BY 1, 2)
                        SELECT (SELECT count(*) FROM df.instances),
                               (SELECT count(*) FROM c_effects),
                               (SELECT count(*) FROM wanted w LEFT JOIN had h ON h.instance = w.id AND h.step = w.step WHERE h.n IS NULL),
                               (SELECT coalesce(sum(h.n), 0) - count(w.id) FROM had h LEFT JOIN wanted w ON h.instance = w.id AND h.step = w.step),
                               (SELECT count(*) FROM df.instances WHERE status <> 'completed'),
                               (SELECT count(*) FROM (SELECT instance FROM c_orders GROUP BY 1 HAVING count(*) = 1) AS o(id)
                                FULL JOIN df.instances i USING (id) WHERE o.id IS NULL OR i.id IS NULL)
                               + (SELECT count(*) FROM (SELECT FROM c_orders GROUP BY instance HAVING count(*) > 1) AS d),
                               (SELECT count(*) FROM (SELECT instance, count(*) AS n FROM c_told GROUP BY 1) AS t
                                FULL JOIN (SELECT s.instance_id AS instance, count(*) AS n FROM df.signals s GROUP BY 1) AS s USING (instance)
                                WHERE t.n IS DISTINCT FROM s.n),
                               (SELECT sum(abs(n - (SELECT count(*) FROM df.instances WHERE label = 'shape %d'))) FROM c_states)"""
                                .formatted(WAITING))
                .get(0);
        long[] n = row.stream().mapToLong(value -> Long.parseLong(String.valueOf(value))).toArray();
        return new Found(n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]);
    }
}
