package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.Slow;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Instances on which the worker's own code breaks: each is given up with the reason, and none holds up another. */
@Slow("leaders that end one after the other")
class PoisonTest {

    private TestDatabase database;
    private Submitter app;
    private Ledger ledger;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "poison_app");
        ledger = Ledger.create(app);
    }

    @AfterEach
    void end() throws SQLException {
        app.close();
    }

    /** Starts an instance, poisons its rows, and starts others before and after it in the same transaction. */
    private List<String> poison(String workflow, String sql) throws SQLException {
        List<String> healthy = new ArrayList<>(ledger.start(3, 2, 0));
        String poisoned = app.start(workflow);
        database.asSuperuser("SET session_replication_role = replica; " + sql.replace("<id>", poisoned));
        healthy.addAll(ledger.start(3, 2, 0));
        healthy.add(0, poisoned);
        return healthy;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE df.instances SET vars = '{\"a\": {\"b\": 1}}' WHERE id = '<id>'",
                "UPDATE df.instances SET vars = '[1]' WHERE id = '<id>'",
                "UPDATE df.instances SET graph = repeat('[', 20000) WHERE id = '<id>'",
                "UPDATE df.instances SET graph = 'nonsense' WHERE id = '<id>'",
                "UPDATE df.instances SET graph = '' WHERE id = '<id>'",
                "UPDATE df.instances SET graph = '[]' WHERE id = '<id>'",
                "UPDATE df.instances SET graph = '{\"node_type\":\"IF\",\"query\":\"{\\\"condition_node\\\": 7}\"}'"
                        + " WHERE id = '<id>'",
                "UPDATE df.instances SET graph = '{\"node_type\":\"THEN\"}' WHERE id = '<id>'",
                "UPDATE df.instances SET graph = NULL WHERE id = '<id>'",
                "UPDATE df.instances SET root_node = 'ffffffff' WHERE id = '<id>'",
                "INSERT INTO df._checkpoints (instance_id, version, bytes, state) SELECT '<id>', 1, 0,"
                        + " jsonb_build_object('nodes', jsonb_build_object(root_node, '{\"status\": \"running\","
                        + " \"execution_id\": \"garbage\"}'::jsonb)) FROM df.instances WHERE id = '<id>'",
                "INSERT INTO df._checkpoints (instance_id, version, bytes, state) SELECT '<id>', 1, 0,"
                        + " jsonb_build_object('nodes', jsonb_build_object(root_node, '{\"status\": \"nonsense\","
                        + " \"execution_id\": \"<id>::1\"}'::jsonb)) FROM df.instances WHERE id = '<id>'",
                "INSERT INTO df._checkpoints (instance_id, version, bytes, state) SELECT '<id>', 1, 0,"
                        + " jsonb_build_object('nodes', jsonb_build_object(root_node, '{\"status\": \"completed\","
                        + " \"result\": 7, \"execution_id\": \"<id>::1\"}'::jsonb)) FROM df.instances WHERE id = '<id>'",
                "INSERT INTO df._checkpoints (instance_id, version, bytes, state) VALUES ('<id>', 1, 0, '[]')",
                "INSERT INTO df._checkpoints (instance_id, version, bytes, state) VALUES ('<id>', 1, 0, '{\"nodes\": [1]}')"
            })
    void an_instance_whose_rows_are_wrong_ends_and_holds_up_nobody(String sql) throws SQLException {
        List<String> ids = poison("df.if('SELECT true', 'SELECT 1' |=> 'a' ~> 'SELECT $a', 'SELECT 2')", sql);

        try (InProcessWorker worker = InProcessWorker.start(database)) {
            ledger.assertEachStepHappenedOnce(ids.subList(1, ids.size()), 2);
            // What can be made sense of is finished; what cannot says why.
            app.awaitValue(
                    "t",
                    "SELECT status = 'completed' OR status = 'failed' AND output <> '' FROM df.instances WHERE id = ?",
                    ids.get(0));
            assertThat(worker.leaderStatus().epoch()).as("the term goes on").isEqualTo(1);
        }
    }

    @Test
    void an_instance_that_was_left_in_the_middle_and_cannot_be_read_holds_up_no_take_over() throws SQLException {
        List<String> ids = poison(
                "'SELECT 1' ~> 'SELECT 2'",
                "UPDATE df.instances SET status = 'running'; INSERT INTO df._checkpoints (instance_id, version, bytes, state)"
                        + " SELECT '<id>', 1, 0, jsonb_build_object('nodes', jsonb_build_object(root_node,"
                        + " '{\"status\": \"nonsense\", \"execution_id\": \"<id>::1\"}'::jsonb))"
                        + " FROM df.instances WHERE id = '<id>'");

        try (InProcessWorker worker = InProcessWorker.start(database)) {
            ledger.assertEachStepHappenedOnce(ids.subList(1, ids.size()), 2);
            var ended = app.await(ids.get(0));
            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output()).contains("was given up after 4 attempts", "NONSENSE");
            assertThat(worker.leaderStatus().epoch()).isEqualTo(1);
        }
    }

    /** As a trigger of the owner's, or a damaged table, refuses one row: nobody has foreseen what it says. */
    @Test
    void an_instance_whose_end_the_tables_refuse_fails_with_the_reason() throws SQLException {
        String refused = app.start("df.wait_for_signal('go') ~> df.sleep(0)");
        database.asSuperuser("CREATE FUNCTION public.raises() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                + " IF new.id = '" + refused + "' AND new.status = 'completed' THEN"
                + " RAISE EXCEPTION 'not this one' USING ERRCODE = 'P0001'; END IF; RETURN new; END $$;"
                + " CREATE TRIGGER raises BEFORE UPDATE ON df.instances FOR EACH ROW EXECUTE FUNCTION public.raises()");
        List<String> others = ledger.start(3, 2, 0);

        try (InProcessWorker worker = InProcessWorker.start(database)) {
            app.value("SELECT df.signal(?, 'go')", refused);
            var ended = app.await(refused);
            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output()).contains("not this one");
            ledger.assertEachStepHappenedOnce(others, 2);
            ledger.assertEachStepHappenedOnce(ledger.start(3, 2, 0), 2);
            assertThat(worker.leaderStatus().epoch()).isEqualTo(1);
        }
    }

    @Test
    void a_variable_without_a_value_is_none() throws SQLException {
        app.execute("INSERT INTO df.vars (name, value) VALUES ('empty', NULL)");
        String id = app.start("'SELECT ''{empty}'' AS kept'");

        try (InProcessWorker worker = InProcessWorker.start(database)) {
            assertThat(app.await(id).status()).isEqualTo("completed");
            assertThat(app.result(id).at("/rows/0/kept").asText()).isEqualTo("{empty}");
            assertThat(worker.leaderStatus().epoch()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT (repeat('[', 3000) || repeat(']', 3000))::jsonb AS deep",
                "SELECT array_fill(NULL::int, ARRAY[1,1,1,1,1,1]) AS a, 'NaN'::numeric AS n, 'infinity'::timestamptz"
                        + " AS t",
                "SELECT",
                "SELECT 1 AS x, 2 AS x, 3 AS \"\u00e4\u0001\""
            })
    void a_step_with_a_result_that_is_hard_to_handle_ends_and_holds_up_nobody(String sql) throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database, Map.of("perdure.step.max-concurrent", "2"))) {
            String id = app.start("'" + sql.replace("'", "''") + "' |=> 'r' ~> 'SELECT $r.deep.x?' ");
            List<String> others = ledger.start(5, 2, 0);

            ledger.assertEachStepHappenedOnce(others, 2);
            assertThat(app.await(id).status()).isIn("completed", "failed");
            assertThat(worker.leaderStatus().epoch()).isEqualTo(1);
        }
    }
}
