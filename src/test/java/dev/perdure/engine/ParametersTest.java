package dev.perdure.engine;

import static dev.perdure.engine.Submitter.GATE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Values that are bound to statements, and safe ways to put them into texts, as a server takes them. */
class ParametersTest {

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static HttpService service;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        service = new HttpService();
        worker = InProcessWorker.start(database, Map.of("perdure.http.allow", "localhost:" + service.port()));
        app = Submitter.of(database, "params_app");
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('params_app', include_http => true)");
        database.execute(
                "postgres",
                "CREATE TABLE public.invoice (id bigint, note text, tags text[], doc jsonb, ns int[]);"
                        + " GRANT ALL ON public.invoice TO params_app");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
        service.close();
    }

    private static Submitter.Ended completed(String expression) throws SQLException {
        Submitter.Ended ended = app.run(expression);
        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        return ended;
    }

    private static String first(String expression) throws SQLException {
        return app.result(completed(expression).id()).at("/rows/0/v").asText();
    }

    private static String failure(String expression) throws SQLException {
        Submitter.Ended ended = app.run(expression);
        assertThat(ended.status()).isEqualTo("failed");
        return String.valueOf(ended.output());
    }

    @Test
    void values_are_bound_and_never_become_part_of_the_statement() throws SQLException {
        database.execute("postgres", "TRUNCATE public.invoice");
        Submitter.Ended ended = completed("$q$SELECT 7 AS id, 'O''Brien''); DROP TABLE invoice; --' AS note,"
                + " '{\"a\": [1, null]}'::jsonb AS doc, ARRAY['x,\"y\\', NULL] AS tags, NULL::int AS nothing$q$ |=> 'o'"
                + " ~> ($q$SELECT generate_series(1, 3) AS n$q$ |=> 'ns')"
                + " ~> df.sql('INSERT INTO invoice VALUES ($1, $2, $3, $4, $5), ($6, $2, NULL, NULL, NULL)',"
                + " '$o.id', '$o.note', '$o.tags', '$o.doc', '$ns[]', '$o.nothing')");

        assertThat(app.value("SELECT string_agg(i::text, ' ' ORDER BY id) FROM invoice i"))
                .isEqualTo("(7,\"O'Brien'); DROP TABLE invoice; --\",\"{\"\"x,\\\\\"\"y\\\\\\\\\"\",NULL}\","
                        + "\"{\"\"a\"\": [1, null]}\",\"{1,2,3}\")"
                        + " (,\"O'Brien'); DROP TABLE invoice; --\",,,)");
        String node = " FROM df.nodes WHERE params IS NOT NULL AND instance_id = '" + ended.id() + "'";
        assertThat(app.value("SELECT executed_query" + node))
                .isEqualTo("INSERT INTO invoice VALUES ($1, $2, $3, $4, $5), ($6, $2, NULL, NULL, NULL)");
        assertThat(app.value("SELECT params::text" + node))
                .isEqualTo("[7, \"O'Brien'); DROP TABLE invoice; --\", [\"x,\\\"y\\\\\", null], {\"a\": [1, null]},"
                        + " [1, 2, 3], null]");
        assertThat(app.value("SELECT df.explain('" + ended.id() + "')")).contains("with [7, \"O'Brien'); DROP");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "df.sql('SELECT $1 + 1 AS v', '41');42",
                "df.sql('SELECT $1::numeric AS v', '1.50');1.50",
                "df.sql('SELECT concat($1::text, ''-'', $2::text) AS v', '{sys_label}x', 'y');x-y",
                "df.sql('SELECT count(*) AS v FROM generate_series(1, 9) i WHERE i = ANY($1)', '{1,2,77}');2",
                "('SELECT true AS b' |=> 'r') ~> df.sql('SELECT NOT $1 AS v', '$r.b');false",
                "('SELECT 1 AS b WHERE false' |=> 'r') ~> df.sql('SELECT coalesce($1, 5) AS v', '$r?');5",
                "('SELECT timestamptz ''2026-01-31 12:00+00'' AS t' |=> 'r') ~> df.sql('SELECT $1::timestamptz + interval ''1 day'' = ''2026-02-01 12:00+00'' AS v', '$r.t');true",
                "df.sql('SELECT $1 AS v', 'yes') ?> 'SELECT 1 AS v' !> 'SELECT 2 AS v';1",
                "(('SELECT 1.25 AS a, 2.25 AS b' |=> 'n') ~> 'SELECT $n.a + $n.b AS v');3.50",
                "(('SELECT now() AS t' |=> 'n') ~> 'SELECT $n.t + interval ''1 day'' > now() AS v');true",
                "(('SELECT date ''2026-01-31'' AS d' |=> 'n') ~> 'SELECT $n.d + 1 AS v');2026-02-01",
                "(('SELECT ''a b''::text AS c' |=> 'n') ~> 'SELECT x.\"$n.c\" AS v FROM (SELECT 9 AS \"a b\") x');9",
            })
    void a_statement_has_its_values(String expression, String value) throws SQLException {
        assertThat(first(expression)).isEqualTo(value);
    }

    @Test
    void a_statement_outside_of_a_transaction_has_its_values_and_its_identifier() throws SQLException {
        database.execute(
                "postgres",
                "CREATE PROCEDURE public.noted(n int, t text) LANGUAGE plpgsql AS $$ BEGIN"
                        + " INSERT INTO public.invoice VALUES (n, t); COMMIT; END $$;"
                        + " CREATE TABLE public.\"Odd \"\"name\" (); ALTER TABLE public.\"Odd \"\"name\" OWNER TO params_app");
        database.execute("postgres", "TRUNCATE public.invoice");
        Submitter.Ended ended =
                completed("('SELECT 70 + 1 AS n' |=> 'n') ~> df.sql('CALL noted($1, $2)', '$n', 'it''s {sys_label}')"
                        + " ~> ('SELECT ''Odd \"name''::text AS relname' |=> 'worst') ~> 'VACUUM \"$worst.relname\"'");

        assertThat(app.value("SELECT concat(id, ' ', note) FROM invoice")).isEqualTo("71 it's ");
        assertThat(app.value("SELECT params::text FROM df.nodes WHERE executed_query LIKE 'CALL%' AND instance_id = '"
                        + ended.id() + "' AND status_details ? 'at_least_once'"))
                .isEqualTo("[71, \"it's \"]");
    }

    @Test
    void steps_that_share_a_transaction_have_each_their_own() throws SQLException {
        database.execute("postgres", "TRUNCATE public.invoice");
        StringBuilder chain = new StringBuilder("'SELECT 0 AS n' |=> 'n'");
        for (int i = 1; i <= 8; i++) {
            chain.append(" ~> df.sql('INSERT INTO invoice (id, note) VALUES ($1, $2)', '")
                    .append(i)
                    .append("', '$n-x')");
        }
        completed(chain.toString());
        assertThat(app.value("SELECT string_agg(concat(id, note), ',' ORDER BY id) FROM invoice"))
                .isEqualTo("10-x,20-x,30-x,40-x,50-x,60-x,70-x,80-x");
    }

    @Test
    void a_start_of_its_own_transaction_carries_them() throws SQLException {
        database.execute("postgres", "TRUNCATE public.invoice");
        String node = app.value("SELECT df.sql('INSERT INTO invoice (id) VALUES ($1)', '5')");
        assertThat(first("'" + node + "' ~> 'SELECT id AS v FROM invoice'")).isEqualTo("5");
    }

    @Test
    void a_value_that_does_not_fit_fails_the_step_and_stays_out_of_its_error() throws SQLException {
        assertThat(failure("df.sql('SELECT 1 / $1', '0')")).contains("division by zero");
        assertThat(failure("df.sql('SELECT pg_typeof($1)', 'x')"))
                .contains("could not determine data type of parameter $1")
                .contains("write $1::text");
        assertThat(failure("('SELECT 1 AS a' |=> 'n') ~> df.sql('SELECT $1', '$n.b')"))
                .contains("$n.b: result has no field 'b' (available: a)");
        assertThat(failure("'SELECT $1'")).contains("bind message supplies 0 parameters");
        String id = app.start("df.sql('SELECT 1 / $1', '0')");
        app.await(id);
        assertThat(app.value("SELECT params::text FROM df.nodes WHERE instance_id = '" + id + "'"))
                .isEqualTo("[\"0\"]");
    }

    @Test
    void a_value_of_a_mebibyte_is_bound() throws SQLException {
        assertThat(first("('SELECT repeat(''x'', 1000000) AS t' |=> 't') ~> df.sql('SELECT length($1) AS v', '$t')"
                        + " |=> 'u' ~> df.sql('SELECT length($1) + $2 AS v', '$t', '$u')"))
                .isEqualTo("2000000");
    }

    @Test
    void variables_have_safe_forms() throws SQLException {
        app.value("SELECT df.setvar('who', $v$O'Brien \\ $n$v$)");
        app.value("SELECT df.setvar('table', 'Odd \"table')");
        assertThat(first("('SELECT 1' |=> 'n') ~> 'SELECT {who:literal} AS v'")).isEqualTo("O'Brien \\ $n");
        assertThat(first("'WITH {table:ident} AS (SELECT 3 AS v) SELECT v FROM {table:ident}'"))
                .isEqualTo("3");
        assertThat(failure("'SELECT {wo:literal}'")).contains("{wo:literal}: there is no variable of this name");
        app.value("SELECT df.clearvars()");
    }

    @Test
    void what_a_json_body_quotes_is_escaped() throws SQLException {
        service.on(
                "/echo", (exchange, request) -> HttpService.respond(exchange, 200, "application/json", request.body()));
        assertThat(
                        first(
                                "($q$SELECT 'say \"hi\" \\ ' || chr(10) AS t, 1 AS n$q$ |=> 'r') ~> (df.http('"
                                        + service.url("/echo")
                                        + "', 'POST', '{\"t\": \"$r.t\", \"price\": \"$$5\", \"all\": $r.*}') |=> 'h')"
                                        + " ~> df.sql('SELECT ($1::jsonb ->> ''t'') || ($1::jsonb ->> ''price'') || ($1::jsonb #>> ''{all,0,n}'') AS v', '$h.body')"))
                .isEqualTo("say \"hi\" \\ \n$51");
    }

    @Test
    void in_another_database_they_are_bound_as_well() throws SQLException {
        TestDatabase other = PostgresServer.get().newDatabase();
        other.execute("postgres", "CREATE TABLE public.t (n int, s text); GRANT ALL ON public.t TO params_app");
        String id = app.value("SELECT df.start(('SELECT 8 AS n' |=> 'r')"
                + " ~> df.sql('INSERT INTO t VALUES ($1, $2)', '$r.n', 'it''s'), database => '" + other.name() + "')");
        assertThat(app.await(String.valueOf(id)).status()).isEqualTo("completed");
        assertThat(other.value("postgres", "SELECT concat(n, s) FROM public.t")).isEqualTo("8it's");
    }

    @Test
    void an_upstream_result_read_again_after_a_restart_binds_the_same() throws SQLException {
        String id = app.start(
                "('SELECT 1.50 AS p, ARRAY[1,2] AS a, NULL::text AS t' |=> 'r') ~> " + GATE
                        + " ~> df.sql('SELECT concat_ws(''/'', $1::numeric, $2::int[], $3::text) AS v', '$r.p', '$r.a', '$r.t')");
        worker.loseMemory();
        app.open(id);
        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.result(id).at("/rows/0/v").asText()).isEqualTo("1.50/{1,2}");
    }
}
