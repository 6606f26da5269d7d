package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.DebianServer;
import dev.perdure.testing.Slow;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * With a million instances in the tables, no plan that a call of {@code df} makes costs so much that an ordinary server, whose JIT
 * is on, compiles it: that takes tens of milliseconds at each call.
 */
@Slow("a server with JIT and a million rows")
class CompiledPlansTest {

    private static final String ROLE = "compiled_app";
    /** It has started nothing. */
    private static final String NOBODY = "compiled_nobody";

    /** What people call, with the arguments that they give. */
    private static final List<String> CALLS = List.of(
            "SELECT df.start('SELECT 1' OPERATOR(public.~>) 'SELECT 2', 'label')",
            "SELECT df.start('SELECT 1', options => '{\"idempotency_key\": \"once\", \"vars\": {\"a\": 1}}')",
            "SELECT df.free_idempotency_key('nobody has it')",
            "SELECT df.redrive('000aae61')",
            "SELECT df.create_schedule('s', '*/5 * * * *', 'SELECT 1', 'Europe/Berlin', jitter => '1 min')",
            "SELECT df.alter_schedule('s', '@daily'), df.pause_schedule('s'), df.resume_schedule('s'), df.trigger_schedule('s')",
            "SELECT df.backfill_schedule('s', '2026-01-01', '2026-02-01')",
            "SELECT * FROM df.schedules",
            "SELECT * FROM df.schedule_runs WHERE schedule = 's' AND outcome = 'started'",
            "SELECT df.drop_schedule('s')",
            "SELECT df.set_map('%s', '%s', 5)",
            "SELECT * FROM df.items('%s', '%s', 1) WHERE ordinal < 100",
            "SELECT * FROM df.map_items WHERE instance_id = '%s' AND ordinal = 7",
            "SELECT df.fork('%s', '%s')",
            "SELECT count(*) FROM df.start_many('SELECT {n}', 'SELECT n FROM generate_series(1, 100) n')",
            "SELECT df.create_queue('compiled', 5), df.alter_queue('compiled', 6), df.pause_queue('compiled'), df.resume_queue('compiled')",
            "SELECT df.start('SELECT 1', options => '{\"queue\": \"compiled\", \"dedup\": \"order 7\"}')",
            "SELECT df.create_queue('dropped'), df.drop_queue('dropped')",
            "SELECT count(*) FROM df.start_many('SELECT {n}', 'SELECT n FROM generate_series(1, 100) n', '{\"attributes\": {\"n\": \"{n}\"}}')",
            "SELECT * FROM df.find_instances('{\"attributes\": {\"customer\": 7}}')",
            "SELECT * FROM df.find_instances('{\"label\": \"label\", \"status\": \"running\"}', limit_count => 10)",
            "SELECT * FROM df.find_instances('{\"started_before\": \"1970-01-01\", \"role\": \"compiled_app\"}')",
            "SELECT df.cancel_many('{\"attributes\": {\"customer\": 7}, \"limit\": 100}')",
            "SELECT df.signal_many('{\"ids\": \"%s\"}', 'go')",
            "SELECT df.redrive_many('{\"ids\": \"%s\"}')",
            "SELECT df.define('compiled', 'SELECT 1'), df.drop_definition('compiled')",
            "SELECT * FROM df.definitions",
            "SELECT * FROM df.children WHERE parent_id = '%s'",
            "SELECT * FROM df.list_instances(include_children => true)",
            "SELECT df.event('%s', 'x')",
            "SELECT * FROM df.events('%s')",
            "SELECT df.status('%s')",
            "SELECT df.result('%s')",
            "SELECT df.run('%s')",
            "SELECT df.await_instance('%s', 1)",
            "SELECT df.wait_for_completion('%s', 1)",
            "SELECT df.explain('%s')",
            "SELECT df.explain('SELECT 1' OPERATOR(public.~>) 'SELECT 2')",
            "SELECT * FROM df.instance_nodes('%s')",
            "SELECT * FROM df.instance_nodes('%s', 3)",
            "SELECT * FROM df.instance_info('%s')",
            "SELECT * FROM df.instance_executions('%s')",
            "SELECT * FROM df.list_instances()",
            "SELECT * FROM df.list_instances('completed')",
            "SELECT * FROM df.list_instances('pending', 10)",
            "SELECT * FROM df.list_instances(NULL, 10, 'label')",
            "SELECT * FROM df.nodes WHERE instance_id = '%s'",
            "SELECT * FROM df.instances WHERE id = '%s'",
            "SELECT df.signal((SELECT df.start(df.wait_for_signal('go'))), 'go')",
            "SELECT df.cancel((SELECT df.start(df.sleep(100))))",
            "SELECT df.setvar('a', '1'), df.getvar('a'), df.unsetvar('a'), df.clearvars()",
            "SELECT * FROM df.claim_activities('thumbnail', 10)",
            "SELECT df.activity_channel('thumbnail')",
            "SELECT * FROM df.activities",
            "SELECT * FROM df.activity_kinds",
            "SELECT * FROM df.tasks",
            "SELECT df.target_database(), df.version()");

    /** They build texts, are for administrators and the worker, or need a token or a task: they find its row by its key. */
    private static final Pattern WITHOUT_TABLES = Pattern.compile(
            "sql|seq|map|saga|with_undo|with_queue|call|activity|approval|complete_activit(y|ies)|extend_activity|fail_activity|decide|sleep|as|as_op|loop|loop_prefix_op|break|if|if_.*|join|join3|race|retry|catch|timeout|wait_for_.*|http|http_multipart|with_http_options|secret"
                    + "|publish|set_attributes|.*grant.*|.*revoke.*|checkpoint.*");

    private static String database;
    private static String one;
    private static Connection session;

    @BeforeAll
    static void begin() throws SQLException {
        DebianServer server = DebianServer.get();
        database = server.newDatabase();
        server.createUser(ROLE, database);
        server.createUser(NOBODY, database);
        session = server.superuser(database).connect();
        try (Statement statement = session.createStatement()) {
            for (String sql : List.of(
                    "SET synchronous_commit = off",
                    // Triggers for each of a million rows take longer than all the rest.
                    "SET session_replication_role = replica",
                    "INSERT INTO df.instances (id, label, root_node, status, submitted_by, graph, output, created_at, completed_at)"
                            + " SELECT lpad(to_hex(n), 8, '0'), 'label', lpad(to_hex(n), 8, '0'), 'completed', '" + ROLE
                            + "'::regrole, df.sql('SELECT 1'), '1', now() - n * interval '1 s', now() - n * interval '1 s'"
                            + " FROM generate_series(1, 1000000) n",
                    "INSERT INTO df._checkpoints (instance_id, version, bytes, state)"
                            + " SELECT i.id, 1, 100, jsonb_build_object('nodes', jsonb_build_object(i.root_node, jsonb_build_object("
                            + "'status', 'completed', 'execution_id', i.id || '::0', 'result', 0)), 'results', '[{\"rows\":[],\"row_count\":0}]')"
                            + " FROM df.instances i",
                    "SET session_replication_role = origin",
                    "INSERT INTO df._inbox (instance_id, role, wake_at) SELECT lpad(to_hex(n), 8, '0'), '" + ROLE
                            + "'::regrole, now() + interval '1 day' FROM generate_series(1, 100000) n",
                    "UPDATE df.instances SET status = 'running', completed_at = NULL, output = NULL"
                            + " WHERE id <= lpad(to_hex(100000), 8, '0')",
                    "UPDATE df.instances SET status = 'failed', completed_at = NULL WHERE id = '000aae61'",
                    "INSERT INTO df._maps (instance_id, subject, node_id, execution_id, generation, total)"
                            + " VALUES ('000aae60', '000aae60', '000aae60', '000aae60::1', 1, 200000)",
                    "INSERT INTO df._map_items (map_id, ordinal, item) SELECT m.id, n, '{}' FROM df._maps m, generate_series(1, 200000) n",
                    "SET session_replication_role = replica",
                    "INSERT INTO df._attributes (instance_id, submitted_by, attributes, created_at) SELECT id, submitted_by, '{\"customer\": 7}', created_at"
                            + " FROM df.instances WHERE id <= lpad(to_hex(200000), 8, '0')",
                    "INSERT INTO df._attribute_entries (instance_id, submitted_by, entry, created_at) SELECT instance_id, submitted_by, e, created_at"
                            + " FROM df._attributes, df._entries_of('{\"customer\": 7}') AS e",
                    "INSERT INTO df._events (instance_id, name, value, bytes) SELECT id, 'x', '1', 1 FROM df.instances",
                    "SET session_replication_role = origin",
                    "VACUUM ANALYZE df.instances, df._checkpoints, df._inbox, df._maps, df._map_items, df._attributes, df._attribute_entries, df._events",
                    "LOAD 'auto_explain'",
                    "SET auto_explain.log_min_duration = 0",
                    "SET auto_explain.log_analyze = on",
                    "SET auto_explain.log_timing = off",
                    "SET auto_explain.log_buffers = on",
                    "SET auto_explain.log_nested_statements = on",
                    "SET auto_explain.log_level = notice",
                    "SET SESSION AUTHORIZATION " + ROLE)) {
                statement.execute(sql);
            }
        }
        one = String.format("%08x", 700_000);
    }

    @AfterAll
    static void end() throws SQLException {
        if (session != null) {
            session.close();
        }
    }

    static Stream<String> calls() {
        return CALLS.stream();
    }

    @Test
    void a_plan_that_costs_much_is_seen_to_be_compiled() throws SQLException {
        execute("SET jit_above_cost = 10");
        try {
            assertThat(plansThatAreCompiled("SELECT sum(hashtext(label)) FROM df.instances"))
                    .isNotEmpty();
        } finally {
            execute("RESET jit_above_cost");
        }
    }

    @ParameterizedTest
    @MethodSource("calls")
    void nothing_that_a_call_does_is_compiled(String call) throws SQLException {
        assertThat(plansThatAreCompiled(call.replace("%s", one))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            textBlock =
                    """
            {"attributes": {"customer": 7}}                      ; idx_attribute_entries_found
            {"attributes": {"customer": 7}, "status": "running"} ; idx_attribute_entries_found
            {"label": "label"}                                   ; idx_instances_(label|submitted_by|created_at)
            {"started_before": "1970-01-01"}                     ; idx_instances_(submitted_by|created_at)
            {"ids": "%s"}                                        ; instances_pkey
            {}                                                   ; idx_instances_(submitted_by|created_at)
            """)
    void a_page_is_read_along_an_index_and_no_further(String filter, String index) throws SQLException {
        String plan = plans("SELECT * FROM df.find_instances('" + filter.replace("%s", one) + "', NULL, 20)").stream()
                .filter(text -> text.contains("WITH page AS"))
                .findFirst()
                .orElseThrow();
        assertThat(plan)
                .containsPattern(index)
                .doesNotContain("Seq Scan")
                .doesNotContainPattern("actual rows=[0-9]{4}")
                .doesNotContainPattern("Removed by Filter: [0-9]{4}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            textBlock =
                    """
            compiled_nobody ; SELECT * FROM df.list_instances()
            compiled_nobody ; SELECT * FROM df.list_instances('failed')
            compiled_nobody ; SELECT * FROM df.list_instances('completed', 10, 'label')
            compiled_nobody ; SELECT * FROM df.find_instances('{}')
            compiled_nobody ; SELECT * FROM df.find_instances('{"status": "failed"}')
            compiled_nobody ; SELECT * FROM df.list_instances(include_children => true)
            compiled_nobody ; SELECT df.cancel_many('{"status": "pending"}')
            compiled_app    ; SELECT * FROM df.list_instances()
            compiled_app    ; SELECT * FROM df.list_instances(NULL, 10, 'label')
            compiled_app    ; SELECT * FROM df.find_instances('{}')
            """)
    void a_list_reads_a_few_pages_whatever_has_ended(String role, String sql) throws SQLException {
        assertThat(pagesReadAs(role, sql)).isLessThan(1_000);
    }

    @ParameterizedTest
    @ValueSource(strings = {"SELECT * FROM df._census(), df._queue_census()", "SELECT * FROM df.metrics()"})
    void a_count_for_everybody_reads_a_part_of_what_has_ended(String sql) throws SQLException {
        assertThat(pagesReadAs("df_worker", sql)).isLessThan(pagesOfInstances() / 3);
    }

    @Test
    void a_count_before_the_first_analyze_reads_a_part_of_what_has_ended() throws SQLException {
        execute("RESET SESSION AUTHORIZATION");
        execute("BEGIN");
        try {
            execute("UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE oid = 'df.instances'::regclass");
            execute("DELETE FROM pg_statistic WHERE starelid = 'df.instances'::regclass");

            assertThat(pagesRead(plans("SELECT * FROM df._census()"))).isLessThan(pagesOfInstances() / 3);
            assertThat(row("SELECT pending + running + completed + failed + cancelled, completed FROM df._census()"))
                    .satisfies(counts -> {
                        assertThat(counts.get(0)).isBetween(900_000L, 1_100_000L);
                        assertThat(counts.get(1)).isBetween(800_000L, 1_000_000L);
                    });
        } finally {
            execute("ROLLBACK");
            execute("SET SESSION AUTHORIZATION " + ROLE);
        }
    }

    @Test
    void counts_of_many_are_about_right() throws SQLException {
        execute("SET SESSION AUTHORIZATION df_worker");
        try {
            List<Long> counts = row("SELECT * FROM df.metrics()");
            // Total, running, completed, failed, executions, events: one node of each has ended.
            assertThat(counts.get(0)).isBetween(950_000L, 1_050_000L);
            assertThat(counts.get(1)).isBetween(90_000L, 110_000L);
            assertThat(counts.get(2)).isBetween(850_000L, 950_000L);
            assertThat(counts.get(3)).isLessThan(1_000L);
            assertThat(counts.get(4)).isBetween(950_000L, 1_050_000L);
            assertThat(counts.get(5)).isBetween(950_000L, 1_050_000L);
        } finally {
            execute("SET SESSION AUTHORIZATION " + ROLE);
        }
    }

    @Test
    void everything_that_people_can_call_is_tried() throws SQLException {
        TreeSet<String> left = new TreeSet<>();
        try (Statement statement = session.createStatement();
                ResultSet row =
                        statement.executeQuery("SELECT proname FROM pg_proc WHERE pronamespace = 'df'::regnamespace"
                                + " AND proname NOT LIKE '\\_%' AND has_function_privilege(oid, 'EXECUTE')")) {
            while (row.next()) {
                String name = row.getString(1);
                boolean isTried = CALLS.stream().anyMatch(call -> call.contains("df." + name + "("));
                if (!isTried && !WITHOUT_TABLES.matcher(name).matches()) {
                    left.add(name);
                }
            }
        }
        assertThat(left).isEmpty();
    }

    private static void execute(String sql) throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute(sql);
        }
    }

    private static List<Long> row(String sql) throws SQLException {
        try (Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            assertThat(row.next()).isTrue();
            List<Long> values = new ArrayList<>();
            for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                values.add(row.getLong(i));
            }
            return values;
        }
    }

    private static long pagesOfInstances() throws SQLException {
        return row("SELECT (pg_relation_size('df.instances') + pg_relation_size('df._checkpoints')) / 8192")
                .get(0);
    }

    private static long pagesReadAs(String role, String sql) throws SQLException {
        execute("SET SESSION AUTHORIZATION " + role);
        try {
            return pagesRead(plans(sql));
        } finally {
            execute("SET SESSION AUTHORIZATION " + ROLE);
        }
    }

    /** How many pages the statement read, all that it called included, from the server's memory or from disk. */
    private static long pagesRead(List<String> plans) {
        Pattern buffers = Pattern.compile("Buffers: shared(?: hit=(\\d+))?(?: read=(\\d+))?");
        return plans.stream()
                .mapToLong(plan -> {
                    Matcher said = buffers.matcher(plan);
                    return said.find() ? number(said.group(1)) + number(said.group(2)) : 0;
                })
                .max()
                .orElseThrow();
    }

    private static long number(@Nullable String digits) {
        return digits == null ? 0 : Long.parseLong(digits);
    }

    /** The queries, with their costs, that the server compiled while it executed a statement. */
    private static List<String> plansThatAreCompiled(String sql) throws SQLException {
        return plans(sql).stream()
                .filter(said -> said.contains("\nJIT:"))
                .map(said -> {
                    Matcher query =
                            Pattern.compile("(?s)Query Text: (.*)\nJIT:").matcher(said);
                    return query.find() ? query.group(1) : said;
                })
                .toList();
    }

    private static List<String> plans(String sql) throws SQLException {
        List<String> plans = new ArrayList<>();
        try (Statement statement = session.createStatement()) {
            statement.setFetchSize(0);
            statement.execute(sql);
            for (SQLWarning said = statement.getWarnings(); said != null; said = said.getNextWarning()) {
                plans.add(said.getMessage());
            }
        }
        assertThat(plans).as("plans that were shown").isNotEmpty();
        return plans;
    }
}
