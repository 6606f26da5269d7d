package dev.perdure.faults.world;

import dev.perdure.testing.WorkerProcess;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/** All that the tables say of an instance on which a promise was not kept, since they are gone with the scenario. */
public final class Traces {

    private static final String[] QUERIES = {
        "SELECT row_to_json(i) FROM df.instances i WHERE i.id = ?",
        "SELECT concat_ws(' ', e.step, e.began, e.at, e.xid) FROM app.effects e WHERE e.instance = ? ORDER BY e.at",
        "SELECT concat_ws(' ', c.version, c.xmin, c.written_at, left(c.state::text, 2000)) FROM df._checkpoints c"
                + " WHERE c.instance_id = ? ORDER BY c.version",
        "SELECT row_to_json(r) FROM df._running r WHERE r.instance_id = ?",
        "SELECT row_to_json(x) FROM df._inbox x WHERE x.instance_id = ?",
        "SELECT concat('tries ', row_to_json(t)) FROM df._tries t WHERE t.instance_id = ?",
        "SELECT concat('cancel ', row_to_json(x)) FROM df._cancels x WHERE x.instance_id = ?",
        "SELECT concat('slot ', row_to_json(s)) FROM df._starts s WHERE s.instance_id = ?",
        "SELECT row_to_json(w) FROM watch.ends w WHERE w.instance = ?"
    };

    private static final int LINES = 40;

    private Traces() {}

    /** The end of a worker's log, and what its health says. */
    public static void print(WorkerProcess worker) {
        System.out.println("  worker " + worker.pid() + ", leader: " + worker.health("group/leader") + ", ready: " + worker.health("ready"));
        List<String> lines = worker.log().lines().toList();
        lines.subList(Math.max(0, lines.size() - LINES), lines.size()).forEach(line -> System.out.println("    " + line));
    }

    public static void print(Connection superuser, String instance) throws SQLException {
        System.out.println("  what there is of " + instance + ":");
        for (String query : QUERIES) {
            try (PreparedStatement statement = superuser.prepareStatement(query)) {
                statement.setString(1, instance);
                try (ResultSet rows = statement.executeQuery()) {
                    while (rows.next()) {
                        System.out.println("    " + rows.getString(1));
                    }
                }
            }
        }
    }
}
