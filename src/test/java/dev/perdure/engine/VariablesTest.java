package dev.perdure.engine;

import static dev.perdure.engine.Submitter.GATE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Variables: what a start captures, and where {@code {name}} is replaced (specification 2.5, 4.5). */
class VariablesTest {

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "variables_app");
    }

    @AfterEach
    void none() throws SQLException {
        app.value("SELECT df.clearvars()");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    private static void set(String name, String value) throws SQLException {
        app.value("SELECT df.setvar(?, ?)", name, value);
    }

    private static String firstValue(String expression) throws SQLException {
        var ended = app.run(expression);
        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        return app.result(ended.id()).at("/rows/0/v").asText();
    }

    @Test
    void a_value_is_put_in_as_it_is_also_as_a_name_and_with_references_in_it() throws SQLException {
        set("table", "generate_series(1, 3)");
        set("reference", "$n + 1");

        assertThat(firstValue("'SELECT count(*) AS v FROM {table}'")).isEqualTo("3");
        assertThat(firstValue("'SELECT 41' |=> 'n' ~> 'SELECT {reference} AS v'"))
                .isEqualTo("42");
    }

    @Test
    void it_is_replaced_inside_other_braces_and_unknown_braces_stay() throws SQLException {
        set("user", "ann");

        assertThat(
                        firstValue(
                                "'SELECT ''{\"name\": \"{user}\", \"a\": [{\"b\": \"{user}\"}], \"c\": \"{nobody}\"}''::jsonb::text AS v'"))
                .isEqualTo("{\"a\": [{\"b\": \"ann\"}], \"c\": \"{nobody}\", \"name\": \"ann\"}");
        assertThat(firstValue("'SELECT ''{}'' || ''{ user }'' || ''{user'' || ''{{user}}'' AS v'"))
                .isEqualTo("{}{ user }{user{ann}");
    }

    @Test
    void an_inserted_value_is_not_looked_at_for_braces_again() throws SQLException {
        set("a", "{b}");
        set("b", "no");

        assertThat(firstValue("'SELECT ''{a}'' AS v'")).isEqualTo("{b}");
    }

    @Test
    void it_reaches_conditions_branches_loops_and_values_of_a_break() throws SQLException {
        set("yes", "true");
        set("n", "7");

        assertThat(firstValue("'SELECT {yes}' ?> 'SELECT {n} AS v' !> 'SELECT 0 AS v'"))
                .isEqualTo("7");
        assertThat(app.run("@> df.\"break\"('{\"got\": {n}}')").output()).isEqualTo("{\"got\":7}");
        assertThat(app.run("('SELECT {n} AS v') & ('SELECT {n} + 1 AS v')").output())
                .contains("\"v\":7", "\"v\":8");
        assertThat(firstValue("df.loop('SELECT {n} AS v', 'SELECT {n} < 7')")).isEqualTo("7");
    }

    @Test
    void names_of_the_system_are_always_there_and_win() throws SQLException {
        set("sys_label", "mine");
        set("sys_instance_id", "mine");
        String id = app.value("SELECT df.start('SELECT ''{sys_instance_id}/{sys_label}'' AS v', 'a label')");
        String unlabelled = app.value("SELECT df.start('SELECT ''<{sys_label}>'' AS v')");
        app.await(id);
        app.await(unlabelled);

        assertThat(app.result(id).at("/rows/0/v").asText()).isEqualTo(id + "/a label");
        assertThat(app.result(unlabelled).at("/rows/0/v").asText()).isEqualTo("<>");
    }

    @Test
    void what_was_captured_does_not_change_and_neither_does_a_lost_memory_change_it() throws SQLException {
        set("v", "before");
        String id = app.start("'SELECT ''{v}'' AS v' ~> " + GATE + " ~> 'SELECT ''{v}'' AS v'");
        set("v", "after");
        set("new", "x");
        app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'SIGNAL'", id);
        worker.loseMemory();
        app.open(id);
        app.await(id);

        assertThat(app.result(id).at("/rows/0/v").asText()).isEqualTo("before");
        assertThat(firstValue("'SELECT ''{v}'' AS v'")).isEqualTo("after");
    }

    @Test
    void a_variable_of_another_role_is_not_captured() throws SQLException {
        try (Submitter other = Submitter.of(database, "variables_other")) {
            other.value("SELECT df.setvar('theirs', 'secret')");

            assertThat(firstValue("'SELECT ''{theirs}'' AS v'")).isEqualTo("{theirs}");
            assertThat(app.value("SELECT df.getvar('theirs')")).isNull();
            app.value("SELECT df.clearvars()");
            assertThat(other.value("SELECT df.getvar('theirs')")).isEqualTo("secret");
        }
    }

    @Test
    void a_start_inside_a_workflow_captures_the_variables_of_its_role_too() throws SQLException {
        set("v", "inner");
        var outer = app.run("'SELECT df.start(''SELECT ''''{v}'''' AS v'') AS id'");
        String inner = app.result(outer.id()).at("/rows/0/id").asText();
        app.await(inner);

        assertThat(app.result(inner).at("/rows/0/v").asText()).isEqualTo("inner");
    }

    @ParameterizedTest
    @ValueSource(strings = {"setvar(''a'', ''b'')", "unsetvar(''a'')", "clearvars()"})
    void a_step_cannot_change_variables(String call) throws SQLException {
        set("a", "kept");
        var ended = app.run("'SELECT df." + call + "'");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output())
                .contains("df." + call.substring(0, call.indexOf('(')) + "() cannot be called inside a workflow - ");
        assertThat(app.value("SELECT df.getvar('a')")).isEqualTo("kept");
    }

    @Test
    void a_step_can_read_them_as_they_are_now() throws SQLException {
        set("a", "now");

        assertThat(firstValue("'SELECT df.getvar(''a'') AS v'")).isEqualTo("now");
        assertThat(firstValue("'SELECT df.getvar(''none'') IS NULL AS v'")).isEqualTo("true");
    }

    @Test
    void names_and_labels_of_nodes_are_not_replaced() throws SQLException {
        set("n", "x");
        String id = app.value("SELECT df.start('SELECT 1 AS v', 'label {n}')");
        app.await(id);

        assertThat(app.value("SELECT label FROM df.instances WHERE id = ?", id)).isEqualTo("label {n}");
    }
}
