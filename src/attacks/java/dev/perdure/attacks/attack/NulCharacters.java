package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** A1. PostgreSQL cannot hold a NUL; one in a batch of several roles once stopped the signals of all. */
public final class NulCharacters implements Attack {

    private static final List<String> NODES = List.of(
            "{\"node_type\":\"SIGNAL\",\"query\":\"{\\\"signal_name\\\":\\\"\\\\u0000\\\",\\\"timeout_seconds\\\":null}\"}",
            "{\"node_type\":\"SIGNAL\",\"query\":\"{\\\"signal_name\\\":\\\"a\\\\u0000b\\\",\\\"timeout_seconds\\\":1}\"}",
            "{\"node_type\":\"BREAK\",\"query\":\"{\\\"value\\\":\\\"\\\\u0000\\\"}\"}",
            "{\"node_type\":\"WAIT_SCHEDULE\",\"query\":\"{\\\"cron_expression\\\":\\\"* * * * \\\\u0000\\\"}\"}",
            "{\"node_type\":\"HTTP\",\"query\":\"{\\\"url\\\":\\\"http://localhost/\\\\u0000\\\",\\\"method\\\":\\\"GET\\\"}\"}",
            "{\"node_type\":\"SQL\",\"query\":\"SELECT '\\u0000'\"}",
            "{\"node_type\":\"SQL\",\"query\":\"SELECT 1\",\"result_name\":\"\\u0000\"}",
            "{\"node_type\":\"IF_ROWS\",\"query\":\"{\\\"result_name\\\":\\\"\\\\u0000\\\"}\",\"left_node\":"
                    + "{\"node_type\":\"SQL\",\"query\":\"SELECT 1\"},\"right_node\":{\"node_type\":\"SQL\",\"query\":\"SELECT 2\"}}");

    @Override
    public String name() {
        return "nul-characters";
    }

    @Override
    public String does() {
        return "starts nodes that are written by hand and say \\u0000";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        List<Attackers.Try> tries = new ArrayList<>();
        for (String node : NODES) {
            tries.add(() -> attackers.start(5, "$j$" + node + "$j$"));
            tries.add(() -> attackers.start(5, "'SELECT 1' ~> $j$" + node + "$j$"));
        }
        // What is written past df.start.
        for (String query : List.of("{\"signal_name\":\"\\u0000\",\"timeout_seconds\":null}", "{\"signal_name\":7}")) {
            tries.add(() -> attackers.execute("BEGIN; INSERT INTO df.instances (id, root_node, submitted_by) VALUES"
                    + " (substr(md5(random()::text), 1, 8), 'aaaaaaaa', current_user::regrole);"
                    + " INSERT INTO df.nodes (id, instance_id, node_type, query, submitted_by)"
                    + " SELECT 'aaaaaaaa', id, 'SIGNAL', '" + query + "', submitted_by FROM df.instances"
                    + " ORDER BY created_at DESC LIMIT 1; COMMIT"));
        }
        attackers.start(1, "df.wait_for_signal('go')");
        for (String data : List.of("'\"\\u0000\"'", "'{\"\\u0000\": 1}'", "'\"\\ud800\"'")) {
            tries.add(() -> attackers.execute("SELECT df.signal(id, 'go', " + data + ") FROM df.instances"));
        }
        return Attackers.tried(tries);
    }
}
