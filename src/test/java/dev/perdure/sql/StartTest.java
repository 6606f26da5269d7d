package dev.perdure.sql;

import static dev.perdure.sql.SqlSurface.ALICE;
import static dev.perdure.sql.SqlSurface.BOB;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StartTest {

    private final SqlSurface sql = new SqlSurface();

    @Test
    void writes_the_instance_and_shows_its_nodes() throws SQLException {
        String id = sql.text(
                "SELECT df.start(df.\"if\"('c', 'a' ~> 'b', df.join3('x', 'y', 'z')) |=> 'r', 'a label', current_database())");

        assertThat(id).matches("[0-9a-f]{8}");
        assertThat(sql.rows(
                                "SELECT status, label, submitted_by::text, database = current_database(), vars, execution_count"
                                        + " FROM df.instances WHERE id = '" + id + "'")
                        .get(0))
                .containsExactly("pending", "a label", "alice", "t", null, "1");
        List<List<String>> nodes = sql.rows(
                "SELECT n.node_type, CASE WHEN n.left_node IS NULL AND n.query NOT LIKE '{%' THEN n.query END, n.result_name,"
                        + " n.status, n.submitted_by::text FROM df.nodes n JOIN df.instances i ON i.id = n.instance_id"
                        + " JOIN df._definition(i.root_node, i.graph) d ON d.id = n.id WHERE n.instance_id = '" + id
                        + "' ORDER BY d.node_position");
        assertThat(nodes)
                .extracting(row -> row.get(0) + " " + row.get(1) + " " + row.get(2))
                .containsExactly(
                        "IF null r",
                        "THEN null null",
                        "SQL a null",
                        "SQL b null",
                        "JOIN null null",
                        "SQL x null",
                        "SQL y null",
                        "SQL z null",
                        "SQL c null");
        assertThat(nodes).allSatisfy(row -> assertThat(row.subList(3, 5)).containsExactly("pending", "alice"));
        // the links lead where they should
        assertThat(sql.rows(
                                "SELECT i.query = '{\"condition_node\":\"' || c.id || '\"}', j.query = '{\"extra_nodes\":[\"' || z.id || '\"]}',"
                                        + " l.query, r.query FROM df.instances s JOIN df.nodes i ON i.instance_id = s.id AND i.id = s.root_node"
                                        + " JOIN df.nodes c ON c.instance_id = s.id AND c.query = 'c' JOIN df.nodes z ON z.instance_id = s.id AND z.query = 'z'"
                                        + " JOIN df.nodes j ON j.instance_id = s.id AND j.id = i.right_node"
                                        + " JOIN df.nodes l ON l.instance_id = s.id AND l.id = j.left_node"
                                        + " JOIN df.nodes r ON r.instance_id = s.id AND r.id = j.right_node WHERE s.id = '"
                                        + id + "'")
                        .get(0))
                .containsExactly("t", "t", "x", "y");
    }

    @ParameterizedTest
    @ValueSource(strings = {"SELECT 1", "", "{\"a\":1}", "{\"node_type\":7}", "{broken", "[]"})
    void takes_text_that_is_no_node_as_sql(String text) throws SQLException {
        String id = sql.text("SELECT df.start(?)", text);
        assertThat(sql.rows("SELECT node_type, query FROM df.nodes WHERE instance_id = ?", id))
                .containsExactly(List.of("SQL", text));
    }

    static Stream<Arguments> errors() {
        String root = "XX000: ERROR: Invalid durable function: ";
        String graph = "XX000: ERROR: Invalid durable function graph: ";
        String sqlNode = "{\"node_type\":\"SQL\",\"query\":\"q\"}";
        return Stream.of(
                error("NULL", "argument 0 must not be null"),
                error("NULL, transaction_mode => 'nope'", "argument 0 must not be null"),
                error(
                        "'q', transaction_mode => 'Nope'",
                        "invalid transaction_mode \"Nope\" for df.start(): expected 'caller' or 'new'"),
                error("'q', transaction_mode => 'NEW'", "needs the extension dblink, which is not installed"),
                error("'q', options => '[]'", "options of df.start() must be a JSON object"),
                error(
                        "'q', options => '{\"x\":1}'",
                        "unknown option \"x\" for df.start(): there are attributes, deadline, idempotency_key, timeout, vars, queue, key, priority, start_at, delay, dedup, on_duplicate, debounce"),
                error("'q', options => '{\"vars\":1}'", "option vars of df.start() must be a JSON object"),
                error("'q', options => '{\"vars\":{\"v\":[]}}'", "variable \"v\""),
                error("'q', database => 'no such'", "database \"no such\" does not exist"),
                error(
                        "'{\"node_type\":\"NOPE\"}', database => 'no such'",
                        root
                                + "Unknown node_type 'NOPE'. Valid types: SQL, THEN, IF, JOIN, LOOP, BREAK, RACE, SLEEP, WAIT_SCHEDULE, HTTP, HTTP_MULTIPART, SIGNAL, RETRY, CATCH, TIMEOUT, MAP, WAIT_CONDITION, WAIT_EVENT, SAGA, WITH_UNDO, CALL, ACTIVITY, APPROVAL, WITH_QUEUE"),
                error("'{\"node_type\":\"SQL\",\"query\":1}'", root + "Malformed Durofut JSON with node_type 'SQL': "),
                error(
                        "'{\"node_type\":\"THEN\",\"left_node\":1}'",
                        root + "Malformed Durofut JSON with node_type 'THEN': Durofut children must be JSON objects"),
                error(
                        "'{\"node_type\":\"LOOP\",\"left_node\":{}}'",
                        graph + "root.left: failed to deserialize Durofut child: missing field"),
                error(
                        "'{\"node_type\":\"LOOP\",\"left_node\":{\"node_type\":\"SQL\",\"query\":1}}'",
                        graph + "root.left: failed to deserialize Durofut child: "),
                error(
                        "'{\"node_type\":\"LOOP\",\"left_node\":{\"node_type\":\"NOPE\"}}'",
                        graph + "root.left: Unknown node_type 'NOPE'"),
                error(
                        "'{\"node_type\":\"RACE\",\"left_node\":{\"node_type\":\"NOPE\"},\"right_node\":{}}'",
                        graph + "root.right: failed to deserialize Durofut child: "),
                error(
                        "'{\"node_type\":\"SQL\",\"query\":\"q\",\"condition_node\":" + sqlNode + "}'",
                        graph + "root: condition_node is not valid for SQL nodes"),
                error(
                        "'{\"node_type\":\"IF\",\"extra_nodes\":[" + sqlNode + "]}'",
                        graph + "root: extra_nodes is not valid for IF nodes"),
                error(
                        "'{\"node_type\":\"JOIN\",\"extra_nodes\":[" + sqlNode + ",{}]}'",
                        graph + "root.extra_nodes[1]: failed to deserialize Durofut child: "),
                error(
                        "'{\"node_type\":\"LOOP\",\"left_node\":" + sqlNode
                                + ",\"query\":\"{\\\"condition_node\\\":1}\"}'",
                        graph
                                + "root: condition_node in LOOP must be a first-class Durofut field, not embedded in query"),
                error(
                        "'{\"node_type\":\"JOIN\",\"query\":\"{\\\"extra_nodes\\\":1}\"}'",
                        graph + "root: extra_nodes in JOIN must be a first-class Durofut field, not embedded in query"),
                error(
                        "'{\"node_type\":\"IF\",\"condition_node\":" + sqlNode + ",\"query\":\"nope\"}'",
                        graph + "root: query in IF must be valid JSON config: "),
                error(
                        "'{\"node_type\":\"IF\",\"condition_node\":" + sqlNode
                                + ",\"query\":\"{\\\"a\\\":1e999999}\"}'",
                        graph + "root: query in IF must be valid JSON config: value overflows numeric format"),
                error(
                        "'{\"node_type\":\"IF\",\"condition_node\":" + sqlNode + ",\"query\":\"[]\"}'",
                        graph + "root: query in IF must be a JSON config object"),
                error(
                        "df.loop('{\"node_type\":\"LOOP\",\"condition_node\":{}}')",
                        graph + "root.left.condition_node: failed to deserialize Durofut child: "),
                error(
                        "'{\"node_type\":\"SQL\"}'",
                        "23514: ERROR: new row for relation \"nodes\" violates check constraint \"nodes_structure_chk\""),
                error("'{\"node_type\":\"THEN\",\"left_node\":" + sqlNode + "}'", "nodes_structure_chk"),
                error(
                        "'{\"node_type\":\"SQL\",\"query\":\"q\",\"result_name\":\"no name\"}'",
                        "nodes_result_name_chk"));
    }

    private static Arguments error(String arguments, String phrase) {
        return Arguments.of(arguments, phrase);
    }

    @ParameterizedTest
    @MethodSource("errors")
    void refuses(String arguments, String phrase) throws SQLException {
        String before = sql.value("SELECT count(*) FROM df.instances");
        assertThat(sql.error("SELECT df.start(" + arguments + ")")).contains(phrase);
        assertThat(sql.value("SELECT count(*) FROM df.instances")).isEqualTo(before);
    }

    @Test
    void ten_thousand_nodes_are_the_limit() throws SQLException {
        String join = "SELECT df.start('{\"node_type\":\"JOIN\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"l\"},"
                + "\"right_node\":{\"node_type\":\"SQL\",\"query\":\"r\"},\"extra_nodes\":[' || (SELECT string_agg(df.sql(i::text), ',')"
                + " FROM generate_series(1, %d) i) || ']}')";
        String id = sql.text(join.formatted(9_997));
        assertThat(sql.value("SELECT count(DISTINCT id) FROM df.nodes WHERE instance_id = ?", id))
                .isEqualTo("10000");
        assertThat(sql.error(join.formatted(9_998)))
                .contains("root.extra_nodes[9997]: Workflow exceeds maximum node count of 10000.");
    }

    /** Graphs as builders print them are laid out in another way than what somebody has written by hand. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "'a' ~> 'b'",
                "('a' ~> ('b' |=> 'x')) & (df.sleep(1) | (df.wait_for_signal('s') ~> df.wait_for_schedule('0 5 * * *')))",
                "('a' & ('b' ~> 'c')) |=> 'r'",
                "'a' ~> df.loop('b' ~> df.\"break\"('1'))",
                "df.join3('a' ~> 'b', 'c', 'd' |=> 'e')",
                // As many nodes as the short way takes, and some more.
                "(SELECT string_agg(format('{\"node_type\":\"THEN\",\"left_node\":%s,\"right_node\":', df.sql(i::text)), '')"
                        + " || df.sql('end') || repeat('}', 127) FROM generate_series(1, 127) i)",
                "(SELECT string_agg(format('{\"node_type\":\"THEN\",\"left_node\":%s,\"right_node\":', df.sql(i::text)), '')"
                        + " || df.sql('end') || repeat('}', 140) FROM generate_series(1, 140) i)"
            })
    void a_graph_becomes_the_same_nodes_however_it_is_spelled(String graph) throws SQLException {
        String printed = sql.text("SELECT " + graph);
        String printedNodes = nodesByPath(sql.text("SELECT df.start($g$" + printed + "$g$)"));
        assertThat(printedNodes).contains("/L ", "/R ");
        String spaced = printed.replace("\"node_type\":", "\"node_type\" : ");
        assertThat(printedNodes).isEqualTo(nodesByPath(sql.text("SELECT df.start($g$" + spaced + "$g$)")));
    }

    private String nodesByPath(String instance) throws SQLException {
        return sql.value(
                "WITH RECURSIVE nodes AS MATERIALIZED (SELECT n FROM df.nodes n WHERE n.instance_id = ?),"
                        + " walk AS (SELECT x.n, '' AS path FROM nodes x JOIN df.instances i ON (x.n).instance_id = i.id"
                        + " AND (x.n).id = i.root_node UNION ALL"
                        + " SELECT c.n, concat(w.path, CASE WHEN (c.n).id = (w.n).left_node THEN '/L' WHEN (c.n).id = (w.n).right_node"
                        + " THEN '/R' ELSE '/+' END) FROM walk w JOIN nodes c ON ((c.n).id"
                        + " IN ((w.n).left_node, (w.n).right_node) OR (w.n).left_node IS NOT NULL AND strpos((w.n).query, (c.n).id) > 0))"
                        + " SELECT string_agg(concat(path, ' ', (n).node_type, ' ', CASE WHEN (n).left_node IS NULL THEN (n).query"
                        + " END, CASE WHEN (n).result_name IS NOT NULL THEN ' as ' END, (n).result_name, ';'), '' ORDER BY path) FROM walk",
                instance);
    }

    @Test
    void adds_the_condition_to_a_configuration_that_is_there() throws SQLException {
        String id =
                sql.text("SELECT df.start('{\"node_type\":\"IF\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"a\"},"
                        + "\"right_node\":{\"node_type\":\"SQL\",\"query\":\"b\"},\"condition_node\":{\"node_type\":\"SQL\",\"query\":\"c\"},"
                        + "\"query\":\"{\\\"x\\\":1}\"}')");
        assertThat(sql.value("SELECT query FROM df.nodes WHERE instance_id = ? AND node_type = 'IF'", id))
                .matches("\\{\"x\":1,\"condition_node\":\"[0-9a-f]{8}\"}");
    }

    @Test
    void arguments_that_clients_pass_as_null_by_habit_mean_their_defaults() throws SQLException {
        assertThat(sql.value("SELECT df.start('q', NULL, NULL, NULL, NULL)")).hasSize(8);
    }

    @Test
    void a_rollback_leaves_nothing() throws SQLException {
        try (Connection connection = sql.database.connect(ALICE)) {
            connection.setAutoCommit(false);
            String id = TestDatabase.rows(connection, "SELECT df.start('SELECT 1')")
                    .get(0)
                    .get(0);
            connection.rollback();
            assertThat(sql.value("SELECT count(*) FROM df.instances WHERE id = '" + id + "'"))
                    .isEqualTo("0");
        }
    }

    @Test
    void captures_the_callers_variables_and_those_of_the_call() throws SQLException {
        sql.database.execute(BOB, "SELECT df.setvar('other', 'bob')");
        sql.value("SELECT df.setvar('a', '1')");
        sql.value("SELECT df.setvar('b', '2')");
        sql.value("WITH v AS (INSERT INTO df.vars (name) VALUES ('none') RETURNING 1) SELECT * FROM v");
        String plain = sql.text("SELECT df.start('q')");
        String with = sql.text("SELECT df.start('q', options => '{\"vars\":{\"b\":true,\"c\":3.50,\"a\":null}}')");
        assertThat(sql.value("SELECT vars FROM df.instances WHERE id = ?", plain))
                .isEqualTo("{\"a\": \"1\", \"b\": \"2\"}");
        assertThat(sql.value("SELECT vars FROM df.instances WHERE id = ?", with))
                .isEqualTo("{\"b\": \"true\", \"c\": \"3.50\"}");
        sql.value("SELECT df.clearvars()");
    }

    @Test
    void a_helper_in_the_same_statement_is_taken_for_a_mistake() throws SQLException {
        assertThat(sql.error("SELECT df.start(df.setvar('a', 'b'))"))
                .contains(
                        "Invalid durable function: df.setvar() cannot be used as a workflow step. Call df.setvar() before df.start().");
        assertThat(sql.error("SELECT df.seq(df.clearvars(), 'SELECT 1')"))
                .contains("cannot be used as a workflow step");
        assertThat(sql.error("DO $$ BEGIN PERFORM df.unsetvar('a'); PERFORM df.start('SELECT 1'); END $$"))
                .contains("df.unsetvar() cannot be used as a workflow step");
        // a node is no mistake, and neither is the next statement
        assertThat(sql.value("SELECT df.start(df.sql('q')) FROM (SELECT df.setvar('a', 'b') OFFSET 0) x"))
                .hasSize(8);
        try (Connection connection = sql.database.connect(ALICE)) {
            connection.setAutoCommit(false);
            TestDatabase.rows(connection, "SELECT df.setvar('a', 'b')");
            assertThat(TestDatabase.rows(connection, "SELECT df.start('SELECT 1')"))
                    .hasSize(1);
            connection.rollback();
        }
    }

    @Test
    void awaiting_an_instance_counts_as_such_a_helper_when_it_succeeds() throws SQLException {
        String id = sql.text("SELECT df.start('q')");
        sql.value("SELECT df.cancel(?)", id);
        assertThat(sql.error("DO $$ BEGIN PERFORM df.await_instance('" + id
                        + "'); PERFORM df.sleep(1) ~> 'SELECT 1'; END $$"))
                .contains(
                        "df.await_instance() cannot be used as a workflow step. Call df.await_instance() before df.start().");
        assertThat(sql.error("SELECT df.start(df.await_instance('" + id + "'))"))
                .contains("Invalid durable function: df.await_instance() cannot be used as a workflow step.");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            'q', repeat('x', %d) | 4096 | instances_label_size_chk | label has 4097 bytes, at most 4096 are allowed.
            repeat('x', %d) | 1048576 | nodes_query_size_chk | query has 1048577 bytes, at most 1048576 are allowed.
            df."as"('q', repeat('x', %d)) | 256 | nodes_result_name_size_chk | result_name has 257 bytes, at most 256 are allowed.
            """)
    void what_is_larger_than_allowed_is_refused_with_its_size(String call, int most, String constraint, String detail)
            throws SQLException {
        assertThat(sql.value("SELECT df.start(" + call.formatted(most) + ")")).hasSize(8);
        assertThat(sql.error("SELECT df.start(" + call.formatted(most + 1) + ")"))
                .startsWith("23514: ")
                .contains(constraint)
                .contains(detail);
    }

    @Test
    void a_role_that_cannot_log_in_is_refused() throws SQLException {
        sql.database.asSuperuser(
                "DO $$ BEGIN CREATE ROLE no_login; EXCEPTION WHEN duplicate_object THEN NULL; END $$; GRANT no_login TO alice");
        sql.asOwner("SELECT df.grant_usage('no_login')");
        assertThat(sql.error("SET ROLE no_login; SELECT df.start('q')"))
                .contains(
                        "current_user \"no_login\" does not have LOGIN privilege. The background worker must connect as this role");
        assertThat(sql.error("SET ROLE no_login; SELECT df.start('q', transaction_mode => 'new')"))
                .contains("LOGIN");
    }

    @Test
    void a_superuser_is_refused_until_the_setting_allows_it() throws SQLException {
        assertThat(sql.error("postgres", "SELECT df.start('q')"))
                .contains(
                        "pg_durable: superuser instances are disabled. current_user \"postgres\" is a superuser, but pg_durable.enable_superuser_instances is off.");
        sql.asOwner("INSERT INTO df.settings VALUES ('enable_superuser_instances', 'on')");
        assertThat(sql.database.value("postgres", "SELECT df.start('q')")).hasSize(8);
        sql.asOwner("DELETE FROM df.settings");
    }

    @Test
    void the_owner_and_its_members_are_refused() throws SQLException {
        assertThat(sql.error(SqlSurface.OWNER, "SELECT df.start('q')"))
                .contains("current_user \"df_worker\" owns schema df or is a member of its owner");
        sql.database.createUser("member");
        sql.database.asSuperuser("GRANT df_worker TO member");
        assertThat(sql.error("member", "SELECT df.start('q')")).contains("member of its owner");
        sql.database.asSuperuser("REVOKE df_worker FROM member");
    }

    @Test
    void the_effective_role_is_the_submitter() throws SQLException {
        sql.database.asSuperuser("GRANT bob TO alice");
        String id = sql.valueWith("SET ROLE bob", "SELECT df.start('q')");
        assertThat(sql.database.value(BOB, "SELECT submitted_by FROM df.instances WHERE id = ?", id))
                .isEqualTo("bob");
        sql.database.asSuperuser("REVOKE bob FROM alice");
    }

    @ParameterizedTest
    @ValueSource(strings = {"we ird", "UpperCase", "quo\"te", "sel'ect"})
    void roles_whose_names_need_quotes_work(String role) throws SQLException {
        sql.database.createUser(role);
        sql.database.value(role, "SELECT df.setvar('v', 'x')");
        String id = sql.database.value(role, "SELECT df.start('q')");
        assertThat(sql.database.rows(role, "SELECT id, vars FROM df.instances"))
                .containsExactly(List.of(String.valueOf(id), "{\"v\": \"x\"}"));
        assertThat(sql.value("SELECT df.status(?)", String.valueOf(id))).isNull();
    }

    @Test
    void an_id_that_is_taken_is_drawn_again_even_when_the_row_belongs_to_somebody_else() throws SQLException {
        // ids come from gen_random_uuid: here one that gives the same id as bob's instance, three times
        String taken = sql.database.value(BOB, "SELECT df.start('q')");
        sql.asOwner(
                "CREATE SEQUENCE df.draws; GRANT USAGE, SELECT ON SEQUENCE df.draws TO PUBLIC;"
                        + " CREATE FUNCTION df.rigged() RETURNS uuid LANGUAGE sql AS $$ SELECT CASE WHEN nextval('df.draws') IN (1, 2, 3)"
                        + " THEN ('" + taken
                        + "-0000-4000-8000-000000000000')::uuid ELSE pg_catalog.gen_random_uuid() END $$;"
                        + " DO $$ BEGIN EXECUTE replace(pg_get_functiondef('df.start(text,text,text,text)'::regprocedure), 'gen_random_uuid()', 'df.rigged()');"
                        + " EXECUTE replace(pg_get_functiondef('df._start'::regproc), 'gen_random_uuid()', 'df.rigged()'); END $$");
        String id = sql.text("SELECT df.start('q')");
        assertThat(id).isNotEqualTo(taken).hasSize(8);
        assertThat(sql.value("SELECT last_value FROM df.draws")).isEqualTo("4");

        sql.asOwner("CREATE OR REPLACE FUNCTION df.rigged() RETURNS uuid LANGUAGE sql AS $$ SELECT ('" + taken
                + "-0000-4000-8000-000000000000')::uuid $$");
        assertThat(sql.error("SELECT df.start('q')"))
                .contains("Failed to create instance: exhausted 10 attempts to generate a collision-free ID");
        sql.asOwner(
                "DO $$ BEGIN EXECUTE replace(pg_get_functiondef('df.start(text,text,text,text)'::regprocedure), 'df.rigged()', 'gen_random_uuid()');"
                        + " EXECUTE replace(pg_get_functiondef('df._start'::regproc), 'df.rigged()', 'gen_random_uuid()'); END $$");
    }

    @Test
    void notifies_the_worker_only_while_it_is_idle() throws SQLException {
        try (Connection listener = sql.database.connect(SqlSurface.OWNER);
                var statement = listener.createStatement()) {
            try (var channel = statement.executeQuery("SELECT quote_ident(channel) FROM df._wake")) {
                channel.next();
                String listen = "LISTEN " + channel.getString(1);
                statement.execute(listen);
            }
            sql.value("SELECT df.start('q')");
            assertThat(listener.unwrap(PGConnection.class).getNotifications(5_000))
                    .hasSize(1);

            sql.asOwner("UPDATE df._wake SET idle = false");
            sql.value("SELECT df.start('q')");
            sql.asOwner("UPDATE df._wake SET idle = true; INSERT INTO df.settings VALUES ('notify', 'off')");
            sql.value("SELECT df.start('q')");
            sql.asOwner("DELETE FROM df.settings");
            String last = sql.value("SELECT df.start('q')");
            assertThat(last).isNotNull();
            assertThat(listener.unwrap(PGConnection.class).getNotifications(5_000))
                    .hasSize(1);
        }
    }
}
