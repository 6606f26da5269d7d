package dev.perdure.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.engine.Submitter;
import dev.perdure.testing.PostgresServer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Another submitter's rows, locks on shared tables, and what the catalogue says about both. ControlTest has the functions. */
class TrespassTest {

    private static Scene scene;
    private static String id;

    @BeforeAll
    static void begin() throws SQLException {
        scene = Scene.open();
        scene.alice.execute("SELECT df.setvar('secret', 'alice''s')");
        id = scene.alice.start("'SELECT ''alices result''::text AS r' ~> df.sleep(3600)");
        scene.alice.execute("SELECT df.signal('" + id + "', 'go', '{\"a\":1}')");
        scene.alice.awaitValue(
                "completed", "SELECT status FROM df.nodes WHERE instance_id = ? AND query LIKE 'SELECT%'", id);
    }

    @AfterAll
    static void end() throws SQLException {
        scene.close();
    }

    private static SQLException refusal(String sql) {
        return Objects.requireNonNull(
                catchThrowableOfType(SQLException.class, () -> scene.mallory.execute(sql)), "not refused: " + sql);
    }

    private static List<String> tables() throws SQLException {
        List<String> names = new ArrayList<>();
        for (var row : scene.database.rows(
                "postgres",
                "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'df'::regnamespace AND relkind IN ('r','p','v','m') ORDER BY 1")) {
            names.add(String.valueOf(row.get(0)));
        }
        return names;
    }

    @Test
    void no_table_shows_a_row_of_somebody_else() throws SQLException {
        Set<String> common = Set.of("df.settings", "df._wake", "df._worker_epoch");
        for (String table : tables()) {
            if (common.contains(table)) {
                continue;
            }
            String found;
            try {
                found = scene.mallory.value("SELECT count(*) FROM " + table + " t WHERE t::text LIKE '%" + id
                        + "%' OR t::text LIKE '%alice%'");
            } catch (SQLException e) {
                assertThat(e.getSQLState()).as(table).isEqualTo("42501");
                continue;
            }
            assertThat(found).as(table).isEqualTo("0");
        }
    }

    @Test
    void nothing_can_be_put_into_an_instance_or_the_variables_of_somebody_else() throws SQLException {
        for (String sql : new String[] {
            "INSERT INTO df.instances (id, root_node, submitted_by) VALUES ('0a0a0a0a', '0b0b0b0b', 'alice')",
            "INSERT INTO df.vars (name, value, owner) VALUES ('secret', 'mine', 'alice')",
            "INSERT INTO df.signals (instance_id, name, data) VALUES ('" + id + "', 'go', '1')",
            "INSERT INTO df.nodes (id, instance_id, node_type, query, submitted_by) VALUES ('0c0c0c0c', '" + id
                    + "', 'SQL', 'SELECT 1', 'alice')",
            "INSERT INTO df.executions (instance_id, execution_id) VALUES ('" + id + "', 9)",
            // By the name of the right submitter only; the foreign key finds the pair.
            "INSERT INTO df.nodes (id, instance_id, node_type, query, submitted_by) VALUES ('0c0c0c0c', '" + id
                    + "', 'SQL', 'SELECT 1', 'mallory')"
        }) {
            assertThat(refusal(sql).getSQLState()).as(sql).isIn("42501", "23503");
        }
        scene.mallory.execute("UPDATE df.instances SET status = 'cancelled' WHERE id = '" + id + "'");
        scene.mallory.execute("UPDATE df.vars SET unset = true; UPDATE df.vars SET value = 'mine'");
        assertThat(scene.alice.value("SELECT status FROM df.instances WHERE id = ?", id))
                .isIn("pending", "running");
        assertThat(scene.alice.value("SELECT df.getvar('secret')")).isEqualTo("alice's");
    }

    @Test
    void ids_that_are_none_cannot_be_inserted_with_operators_of_ones_own() throws SQLException {
        scene.database.asSuperuser("CREATE SCHEMA mallorys AUTHORIZATION mallory");
        scene.mallory.execute(
                """
                                CREATE FUNCTION mallorys.yes(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
                CREATE FUNCTION mallorys.no(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
                CREATE OPERATOR mallorys.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = mallorys.yes);
                CREATE OPERATOR mallorys.!~ (LEFTARG = text, RIGHTARG = text, FUNCTION = mallorys.no);
                CREATE OPERATOR mallorys.= (LEFTARG = text, RIGHTARG = text, FUNCTION = mallorys.yes);
                CREATE OPERATOR mallorys.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = mallorys.no);
                SET search_path = mallorys, pg_catalog""");
        try {
            assertThat(refusal(
                                    "INSERT INTO df.instances (id, root_node, submitted_by) VALUES ('a,b', '0b0b0b0b', 'mallory')")
                            .getSQLState())
                    .isEqualTo("23514");
            assertThat(refusal(
                                    "INSERT INTO df.nodes (id, instance_id, node_type, query, submitted_by) VALUES (E'a\\x1fb', '0b0b0b0b', 'SQL', 'x', 'mallory')")
                            .getSQLState())
                    .isEqualTo("23514");
            assertThat(refusal(
                                    "INSERT INTO df.nodes (id, instance_id, node_type, query, submitted_by) VALUES ('0b0b0b0b', '0b0b0b0b', 'EVIL', 'x', 'mallory')")
                            .getSQLState())
                    .isEqualTo("23514");
        } finally {
            scene.mallory.execute("RESET search_path");
        }
    }

    @Test
    void definitions_that_would_fill_the_memory_of_the_worker_are_refused() {
        for (String sql : new String[] {
            "SELECT df.start(repeat('x', 2000000))",
            "SELECT df.start('SELECT 1', repeat('x', 5000))",
            "SELECT df.start('SELECT 1', options => jsonb_build_object('vars', jsonb_build_object('a', repeat('x', 2000000))))",
            "INSERT INTO df.nodes (id, instance_id, node_type, query, result_name, submitted_by) VALUES ('0b0b0b0b', '0b0b0b0b', 'SQL', 'x', repeat('x', 300), 'mallory')",
            "INSERT INTO df.signals (instance_id, name, data) SELECT df.start(df.sleep(0)), repeat('x', 2000), '1'",
            "INSERT INTO df.signals (instance_id, name, data) SELECT df.start(df.sleep(0)), 'x', to_jsonb(repeat('x', 2000000))"
        }) {
            assertThat(refusal(sql).getMessage()).as(sql).contains("_size_chk");
        }
    }

    @Test
    void a_signal_that_would_fill_the_memory_of_the_worker_is_refused_with_the_remedy() throws SQLException {
        String waits = scene.mallory.start("df.wait_for_signal('big')");
        SQLException data = refusal("SELECT df.signal('" + waits + "', 'big', repeat('x', 2000000))");
        assertThat(data.getMessage()).contains("Failed to send signal: its data has 2000002 bytes, more than 1048576");
        assertThat(refusal("SELECT df.signal('" + waits + "', repeat('x', 2000))")
                        .getMessage())
                .contains("Failed to send signal: its name has 2000 bytes, more than 1024");

        scene.mallory.execute("SELECT df.signal('" + waits + "', 'big', repeat('x', 1000000))");
        assertThat(scene.mallory.await(waits).output()).contains("\"timed_out\":false", "xxx");
    }

    @Test
    void an_instance_whose_nodes_would_fill_the_memory_of_the_worker_is_refused_when_it_is_loaded()
            throws SQLException {
        // By hand, since df.start could not even be given a text of this size; compressed on disk it is small.
        scene.mallory.execute("BEGIN; INSERT INTO df.instances (id, root_node, submitted_by) VALUES"
                + " ('0d0d0d0d', '00000001', 'mallory');"
                + " INSERT INTO df.nodes (id, instance_id, node_type, query, left_node, right_node, submitted_by)"
                + " SELECT lpad(to_hex(g), 8, '0'), '0d0d0d0d', CASE WHEN g % 2 = 1 AND g < 201 THEN 'THEN' ELSE 'SQL' END,"
                + " CASE WHEN g % 2 = 1 AND g < 201 THEN NULL ELSE 'SELECT ' || repeat(' ', 1000000) || '1' END,"
                + " CASE WHEN g % 2 = 1 AND g < 201 THEN lpad(to_hex(g + 1), 8, '0') END,"
                + " CASE WHEN g % 2 = 1 AND g < 201 THEN lpad(to_hex(g + 2), 8, '0') END, 'mallory'"
                + " FROM generate_series(1, 201) g; COMMIT");

        assertThat(scene.mallory.await("0d0d0d0d").output())
                .contains("the texts of its nodes have 101001010 bytes in all, more than 67108864");
        scene.assertAliceIsServed();
    }

    @Test
    void no_lock_that_stops_others_can_be_taken_on_any_table() throws SQLException {
        for (String table : tables()) {
            for (String mode : new String[] {
                "ROW SHARE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"
            }) {
                String sql = "DO 'BEGIN LOCK TABLE " + table + " IN " + mode + " MODE; END'";
                assertThat(refusal(sql).getSQLState()).as(sql).isEqualTo("42501");
            }
        }
    }

    @Test
    void locks_on_every_row_that_can_be_locked_stall_nobody_else() throws SQLException {
        scene.mallory.execute("SELECT df.setvar('v', '1')");
        for (int i = 0; i < 30; i++) {
            scene.mallory.start("df.sleep(1) ~> 'SELECT 1'");
        }
        try (Submitter locker = scene.anotherMallory()) {
            locker.execute("BEGIN");
            int locked = 0;
            for (String table : tables()) {
                locker.execute("SAVEPOINT s");
                try {
                    locker.execute("SELECT * FROM " + table + " FOR UPDATE");
                    locked++;
                } catch (SQLException e) {
                    assertThat(e.getSQLState()).as(table).isEqualTo("42501");
                    locker.execute("ROLLBACK TO SAVEPOINT s");
                }
            }
            assertThat(locked).isPositive();
            for (int i = 0; i < 10; i++) {
                scene.assertAliceIsServed();
            }
            scene.worker.loseMemory();
            scene.assertAliceIsServed();
            locker.execute("ROLLBACK");
        }
        scene.mallory.awaitValue("0", "SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')");
    }

    @Test
    void unset_variables_are_gone() throws SQLException {
        scene.mallory.execute("SELECT df.setvar('a', '1'); SELECT df.setvar('b', '2')");
        scene.mallory.execute("SELECT df.unsetvar('a')");
        assertThat(scene.mallory.value("SELECT string_agg(name, ',') FROM df.vars WHERE name IN ('a', 'b')"))
                .isEqualTo("b");
        assertThat(refusal("DELETE FROM df.vars").getSQLState()).isEqualTo("42501");
        scene.mallory.execute("SELECT df.clearvars()");
        assertThat(scene.mallory.value("SELECT count(*) FROM df.vars")).isEqualTo("0");
    }

    @Test
    void every_table_has_row_level_security_or_is_meant_for_everybody() throws SQLException {
        assertThat(
                        scene.database.rows(
                                "postgres",
                                "SELECT relname FROM pg_class WHERE relnamespace = 'df'::regnamespace AND relkind IN ('r', 'p')"
                                        + " AND NOT relrowsecurity AND relname NOT IN ('settings', '_wake', '_worker_epoch', 'flyway_schema_history') ORDER BY 1"))
                .isEmpty();
        // Those without it hold nothing of a submitter, and only the owner writes them.
        for (String table : new String[] {"df.settings", "df._wake", "df._worker_epoch", "df.flyway_schema_history"}) {
            for (String privilege : new String[] {"INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"}) {
                assertThat(scene.database.value(
                                "postgres", "SELECT has_table_privilege('mallory', ?, ?)", table, privilege))
                        .as(table + " " + privilege)
                        .isEqualTo("f");
            }
        }
    }

    @Test
    void functions_with_the_rights_of_the_owner_are_these_and_pin_their_search_path() throws SQLException {
        // Whoever adds one says here why it is safe: it runs no code of users, and evaluates no text of theirs.
        assertThat(scene.database.rows(
                        PostgresServer.OWNER,
                        "SELECT proname, has_function_privilege('public', oid, 'EXECUTE'),"
                                + " 'search_path=pg_catalog, pg_temp' = ANY (proconfig) FROM pg_proc"
                                + " WHERE pronamespace = 'df'::regnamespace AND prosecdef ORDER BY 1"))
                .containsExactly(
                        // A trigger; what the policy lets in is of the role that asks.
                        List.of("_change_definition", "f", "t"),
                        // A trigger; takes over what df.set_map was asked for by the owner of the instance.
                        List.of("_change_map", "f", "t"),
                        // A trigger; a queue of the role that the policy lets insert.
                        List.of("_change_queue", "f", "t"),
                        // A trigger; does with a schedule what the role asks for that the policy lets insert.
                        List.of("_change_schedule", "f", "t"),
                        // Triggers of deferred checks: whether a hand-written graph hangs together.
                        List.of("_check_instance_root", "f", "t"),
                        List.of("_check_node_instance", "f", "t"),
                        // A trigger; executes a statement that changes nothing.
                        List.of("_commit_in_two_phases", "f", "t"),
                        // A trigger; items go with their map.
                        List.of("_delete_items", "f", "t"),
                        // A trigger; deletes a variable that its owner has just marked.
                        List.of("_delete_unset", "f", "t"),
                        // A trigger; whose call it is says a column that the caller cannot write.
                        List.of("_do_activity_call", "f", "t"),
                        // Triggers; put the id of a row that was just written where the worker looks.
                        List.of("_enqueue", "f", "t"),
                        // A trigger; an instance with what one of the same role has completed, both let in by the
                        // policy.
                        List.of("_fork", "f", "t"),
                        // A trigger; takes a key from an ended instance of the role that the policy lets insert.
                        List.of("_free_key", "f", "t"),
                        List.of("_note_cancel", "f", "t"),
                        // Believes a row whose columns the caller cannot choose.
                        List.of("_open_loopback", "t", "t"),
                        // A trigger; lets an ended instance go on of the role that the policy lets insert.
                        List.of("_redrive", "f", "t"),
                        // A trigger; a section of an instance of the role that the policy lets insert, likewise.
                        List.of("_request_slot", "f", "t"),
                        // A trigger; an instance of the role that the policy lets insert, in a queue that it may use.
                        List.of("_request_start", "f", "t"),
                        // A trigger of a table that nobody else writes.
                        List.of("_settle_activity", "f", "t"),
                        // A trigger; parent and child are of the role that the policy lets insert.
                        List.of("_start_child", "f", "t"),
                        // A trigger; a signal to the parent, which is of the same role.
                        List.of("_tell_parent", "f", "t"),
                        // A trigger; writes by what an instance of the role that the policy lets insert is found.
                        List.of("_write_entries", "f", "t"),
                        // Believe the worker's token.
                        List.of("checkpoint", "t", "t"),
                        List.of("checkpoint_item", "t", "t"),
                        List.of("checkpoint_items", "t", "t"),
                        List.of("checkpoint_map", "t", "t"),
                        // Counts only, for whom it was granted to.
                        List.of("metrics", "f", "t"));
    }

    /** Called with the settings of those that the worker calls, on the hot path, and by nobody else. */
    private static final Set<String> CALLED_BY_OTHERS = Set.of(
            "_add_items",
            "_admit_one",
            "_admit_queue",
            "_cancel_runs",
            "_forget_ended_runs",
            "_stop_activities",
            "_also",
            "_awaited_events",
            "_bytes",
            "_decide_item",
            "_answer_activity",
            "_begin_activities",
            "_activity_beginners",
            "_complete_activities",
            "_item_news",
            "_move_marks",
            "_next_turn",
            "_settle_items",
            "_claim_activities",
            "_claimed",
            "_activity_channel",
            "_decide",
            "_end_activities",
            "_earliest_lease",
            "_end_maps",
            "_extend_activity",
            "_may_claim",
            "_end_sections",
            "_free_slots",
            "_has_begun",
            "_inbox_news",
            "_cancel_news",
            "_signal_news",
            "_fair_news",
            "_news_page",
            "_behind_all",
            "_event_news",
            "_left_event_waits",
            "_progress",
            "_read_place",
            "_release_due",
            "_again_item",
            "_maps_in_the_middle",
            "_reopen",
            "_reopen_maps",
            "_set_marks",
            "_tell",
            "_token",
            "_wait_for_events",
            "_write_item");

    @Test
    void functions_that_the_owner_calls_are_nobody_elses_and_pin_their_search_path() throws SQLException {
        List<String> owners = new ArrayList<>();
        for (var row : scene.database.rows(
                PostgresServer.OWNER,
                "SELECT proname, 'search_path=pg_catalog, pg_temp' = ANY (proconfig) FROM pg_proc"
                        + " WHERE pronamespace = 'df'::regnamespace AND NOT has_function_privilege('public', oid, 'EXECUTE')"
                        + " ORDER BY 1")) {
            owners.add(row.get(0));
            if (!CALLED_BY_OTHERS.contains(row.get(0))) {
                assertThat(row.get(1)).as(row.get(0)).isEqualTo("t");
            }
        }
        assertThat(owners)
                .containsExactlyInAnyOrder(
                        "_is_of_coordinator",
                        "_in_two_phases",
                        "_commit_in_two_phases",
                        "_citus_problem",
                        "_prepare_two_phases",
                        "_look_at_nodes",
                        "_admit",
                        "_admit_one",
                        "_admit_queue",
                        "_change_queue",
                        "_end_held",
                        "_end_sections",
                        "_free_slots",
                        "_give_back",
                        "_has_begun",
                        "_has_slot",
                        "_held_above",
                        "_request_slot",
                        "_queue_again",
                        "_queue_census",
                        "_queue_of",
                        "_release_due",
                        "_request_start",
                        "_advance_sequences",
                        "_add_items",
                        "_has_active_run",
                        "_forget_ended_runs",
                        "_change_schedule",
                        "_delete_schedule_runs",
                        "_due_schedules",
                        "_set_unknown_zones",
                        "_cancel_runs",
                        "_run_schedules",
                        "_start_planned",
                        "_start_problem",
                        "_awaited_events",
                        "_event_news",
                        "_left_event_waits",
                        "_tell",
                        "_wait_for_events",
                        "_write_entries",
                        "_change_map",
                        "_decide_item",
                        "_delete_items",
                        "_change_definition",
                        "_address_key",
                        "_answer",
                        "_has_run_again",
                        "rotate_address_key",
                        "_activity_beginners",
                        "_activity_census",
                        "_activity_channel",
                        "_answer_activity",
                        "_assign_items",
                        "_begin_activities",
                        "_claim_activities",
                        "_complete_activities",
                        "_claimed",
                        "_decide",
                        "_do_activity_call",
                        "_end_activities",
                        "_extend_activity",
                        "_item_news",
                        "_may_claim",
                        "_settle_activity",
                        "_settle_items",
                        "_move_marks",
                        "_next_turn",
                        "_take_items",
                        "_stop_activities",
                        "_stop_activity",
                        "_sweep_activities",
                        "_earliest_lease",
                        "_end_calls",
                        "_start_child",
                        "_tell_parent",
                        "_child_end",
                        "_completed_child",
                        "_tell_again",
                        "_end_maps",
                        "_entries",
                        "_undone",
                        "_fork",
                        "_freeze",
                        "_map",
                        "_open_items",
                        "_progress",
                        "_redrive",
                        "_again_item",
                        "_maps_in_the_middle",
                        "_reopen",
                        "_reopen_maps",
                        "_rewound",
                        "_write_item",
                        "_create_operators",
                        "_forget_origins",
                        "_missing_operators",
                        "_operators",
                        "_renumber",
                        "_sequences_behind",
                        "_settle_at",
                        "_stranger",
                        "_share_of_pages",
                        "_weight",
                        "_also",
                        "_await_lock",
                        "_begin",
                        "_begin_logins",
                        "_begin_term",
                        "_bytes",
                        "_census",
                        "_check_instance_root",
                        "_check_node_instance",
                        "_delete_ended",
                        "_delete_unset",
                        "_due",
                        "_end_set_aside",
                        "_enqueue",
                        "_fence",
                        "_free_key",
                        "_left",
                        "_left_cancels",
                        "_load",
                        "_login_failed",
                        "_login_works",
                        "_mark",
                        "_news",
                        "_inbox_news",
                        "_cancel_news",
                        "_signal_news",
                        "_fair_news",
                        "_news_page",
                        "_behind_all",
                        "_note_cancel",
                        "_read_place",
                        "_refuse",
                        "_refused_secrets",
                        "_token",
                        "_retention_limits",
                        "_role",
                        "_set_idle",
                        "_set_marks",
                        "_signals",
                        "_survived",
                        "_suspects",
                        "_try",
                        "_write",
                        "grant_secret",
                        "grant_usage",
                        "http",
                        "http_multipart",
                        "metrics",
                        "reassign_queue",
                        "resume",
                        "revoke_secret",
                        "revoke_usage");
    }

    @Test
    void nobody_can_create_anything_in_the_schema_or_gets_new_functions_by_default() throws SQLException {
        assertThat(scene.database.rows(
                        "postgres",
                        "SELECT defaclobjtype, defaclacl FROM pg_default_acl WHERE defaclrole ="
                                + " (SELECT nspowner FROM pg_namespace WHERE nspname = 'df')"))
                .isEmpty();
        assertThat(scene.database.value("postgres", "SELECT has_schema_privilege('public', 'df', 'USAGE, CREATE')"))
                .isEqualTo("f");
        assertThat(scene.database.value("postgres", "SELECT has_schema_privilege('mallory', 'df', 'CREATE')"))
                .isEqualTo("f");
    }
}
