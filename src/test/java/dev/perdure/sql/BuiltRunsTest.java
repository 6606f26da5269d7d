package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.graph.Graph;
import dev.perdure.graph.GraphDocument;
import dev.perdure.graph.GraphReader;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a builder takes and {@code df.start} accepts is read by the worker: it is refused where it is written, or it runs. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BuiltRunsTest {

    private static final List<String> COUNTS =
            List.of("NULL", "-1", "0", "1", "2", "100", "10000", "10001", "1000000000", "2147483647");
    private static final List<String> INTERVALS = List.of(
            "NULL",
            "'0'",
            "'-1 second'",
            "'1 microsecond'",
            "'1 millisecond'",
            "'0.0015 seconds'",
            "'1 mon'",
            "'1 year -1 day'",
            "'1 mon -30 days'",
            "'10 years'",
            "'1000 years'",
            "'100000 years'",
            "'178000000 years'",
            "'2147483647 days'",
            "'1 day -23:59:59.9999'",
            "'infinity'",
            "make_interval(secs => 1e-7)");
    private static final List<String> FACTORS = List.of(
            "NULL", "0", "-1", "0.5", "1", "1.0000001", "1e6", "1e308", "'NaN'", "'Infinity'", "'-Infinity'", "5e-324");
    private static final List<String> CODES = List.of(
            "NULL",
            "'{}'",
            "'{NULL}'",
            "'{\"\"}'",
            "'{40,http:5xx}'",
            "'{40001}'",
            "'{4}'",
            "'{http:}'",
            "'{http:429,http:xxx}'",
            "'{{40},{23}}'",
            "'[5:6]={40,23}'",
            "'{timeout,activity_lost}'",
            "'{\" 40\"}'",
            "'{ééééé}'",
            "'{40,40}'",
            "array_fill('40'::text, '{2000}')");
    private static final List<String> TEXTS = List.of(
            "NULL",
            "''",
            "' '",
            "'a'",
            "'{v}'",
            "'$v'",
            "'$v.c'",
            "'$v?'",
            "E'\\n'",
            "'é\uD83D\uDE00'",
            "repeat('x', 63)",
            "repeat('x', 64)",
            "repeat('x', 255)",
            "repeat('x', 256)",
            "repeat('x', 100000)",
            "'\"'",
            "'{\"a\": 1}'",
            "'{'",
            "'\\'",
            "chr(1)",
            "chr(65535)");
    private static final List<String> JSONS = List.of(
            "NULL",
            "'null'",
            "'{}'",
            "'[]'",
            "'1'",
            "'\"x\"'",
            "'{\"a\": null}'",
            "'{\"a\": {\"b\": [1, {}]}}'",
            "'[{}]'",
            "'[null]'",
            "'{\"\": \"\"}'",
            "'{\"a\": 1e400}'",
            "'{\"a\": 0.00000000000000000000000000000000000000001}'",
            "'{\"a b\": \"c\\nd\"}'");

    private final SqlSurface sql = new SqlSurface();

    @BeforeAll
    void http_is_allowed() throws SQLException {
        sql.asOwner("SELECT df.grant_usage('alice', include_http => true)");
    }

    private static Stream<String> of(String call, List<String> values) {
        return values.stream().map(value -> call.replace("?", value));
    }

    static Stream<List<String>> calls() {
        return Stream.of(
                        Builders.CALLS.stream(),
                        of("df.retry('x', ?)", COUNTS),
                        of("df.retry('x', 3, ?::interval)", INTERVALS),
                        of("df.retry('x', 3, '1 second', ?)", FACTORS),
                        of("df.retry('x', 3, '1 second', 2, ?::interval)", INTERVALS),
                        of("df.retry('x', 2147483647, '10 years', 1e6, ?::interval)", INTERVALS),
                        of("df.retry('x', retry_on => ?)", CODES),
                        of("df.\"catch\"('x', 'y', ?)", CODES),
                        of("df.timeout('x', ?::interval)", INTERVALS),
                        of("df.sleep(?::interval)", INTERVALS),
                        of("df.sleep(?::bigint)", COUNTS),
                        of("df.sleep(?::text)", TEXTS),
                        of("df.wait_for_signal('go', ?::integer)", COUNTS),
                        of("df.wait_for_signal('go', ?::interval)", INTERVALS),
                        of("df.wait_for_signal(?)", TEXTS),
                        of("df.wait_for_event(?, 'name')", TEXTS),
                        of("df.wait_for_event('{peer}', ?)", TEXTS),
                        of("df.wait_for_event('{peer}', 'name', ?::interval)", INTERVALS),
                        of("df.wait_for_condition('SELECT true', ?::interval)", INTERVALS),
                        of("df.wait_for_condition(?)", TEXTS),
                        of("df.wait_for_schedule(?)", TEXTS),
                        of("df.wait_for_schedule('0 0 29 2 *', ?)", TEXTS),
                        of("df.map('x', 'y', max_concurrent => ?)", COUNTS),
                        of("df.map('x', 'y', batch_size => ?)", COUNTS),
                        of("df.map('x', 'y', ?)", TEXTS),
                        of("df.map(?, 'y')", TEXTS),
                        of(
                                "df.map('x', 'y', on_failure => 'tolerate', tolerate => ?)",
                                List.of(
                                        "NULL",
                                        "'0'",
                                        "'0%'",
                                        "'100%'",
                                        "'100.5%'",
                                        "'99.999999%'",
                                        "'999999999'",
                                        "'1000000000'")),
                        of("df.with_undo('x', 'y', ?)", TEXTS),
                        of("df.with_queue('x', ?)", TEXTS),
                        of("df.with_queue('x', 'q', ?)", TEXTS),
                        of("df.call(?)", TEXTS),
                        of("df.call('child', ?)", JSONS),
                        of("df.call('child', version => ?)", COUNTS),
                        of("df.activity(?)", TEXTS),
                        of("df.activity('kind', ?)", JSONS),
                        of("df.activity('kind', '{}', ?::interval)", INTERVALS),
                        of("df.activity('kind', '{}', '1 minute', ?)", COUNTS),
                        of("df.approval(?, '{alice}')", TEXTS),
                        of(
                                "df.approval('t', ?)",
                                List.of(
                                        "NULL",
                                        "'{}'",
                                        "'{NULL}'",
                                        "'{alice,alice}'",
                                        "'{{alice},{bob}}'",
                                        "'{\"\"}'",
                                        "'[0:0]={alice}'")),
                        of("df.approval('t', '{alice}', ?)", JSONS),
                        of("df.approval('t', '{alice}', NULL, ?::interval)", INTERVALS),
                        of("df.approval('t', '{alice}', quorum => ?)", COUNTS),
                        of("df.if_rows(?, 'a', 'b')", TEXTS),
                        of("df.\"break\"(?)", TEXTS),
                        of("df.\"as\"('x', ?)", TEXTS),
                        of("df.sql(?)", TEXTS),
                        of("df.sql('SELECT $1', ?)", TEXTS),
                        of("df.http(?)", TEXTS),
                        of("df.http('http://x', ?)", TEXTS),
                        of("df.http('http://x', 'POST', ?)", TEXTS),
                        of("df.http('http://x', headers => ?)", JSONS),
                        of("df.http('http://x', timeout_seconds => ?)", COUNTS),
                        of(
                                "df.http('http://x', expect => ?)",
                                List.of(
                                        "NULL",
                                        "''",
                                        "'2xx'",
                                        "'200,404'",
                                        "'xxx'",
                                        "'99'",
                                        "'600'",
                                        "'2XX, 3xx'",
                                        "'2xx,'")),
                        of("df.http_multipart('http://x', parts => ?)", JSONS))
                .map(Stream::toList);
    }

    @ParameterizedTest
    @MethodSource("calls")
    void what_is_taken_is_read(List<String> calls) throws SQLException {
        List<String> unread = new ArrayList<>();
        try (Connection session = sql.database.connect(SqlSurface.ALICE)) {
            session.setAutoCommit(false);
            for (String call : calls) {
                List<String> started = started(session, call, unread);
                if (started != null) {
                    try {
                        Graph graph = GraphReader.read(
                                started.get(0), started.get(1), GraphDocument.rows(started.get(1), started.get(2)));
                        assertThat(graph.size()).isPositive();
                    } catch (RuntimeException | Error e) {
                        unread.add(call + ": " + e);
                    }
                }
                session.rollback();
            }
        }
        assertThat(unread).isEmpty();
    }

    /** Id, root and graph; null when it was refused, which has to be done with an error of ours. */
    private static List<String> started(Connection session, String call, List<String> unread) throws SQLException {
        try {
            return TestDatabase.rows(
                            session,
                            "WITH s AS MATERIALIZED (SELECT df.start(" + call
                                    + ") AS id) SELECT s.id, i.root_node, i.graph"
                                    + " FROM s CROSS JOIN LATERAL public.started(s.id) AS i")
                    .get(0);
        } catch (SQLException e) {
            if (e.getSQLState().startsWith("P0")
                    || e.getSQLState().startsWith("42P")
                    || e.getSQLState().startsWith("21")) {
                unread.add(call + ": " + e.getMessage());
            }
            return null;
        }
    }

    @BeforeAll
    void a_way_to_see_what_the_same_statement_has_started() throws SQLException {
        sql.database.execute(
                SqlSurface.ALICE,
                "CREATE FUNCTION public.started(of text) RETURNS SETOF df.instances LANGUAGE plpgsql VOLATILE AS $$ BEGIN"
                        + " RETURN QUERY SELECT * FROM df.instances i WHERE i.id = $1; END $$");
    }

    @Test
    void many_edges_are_taken_and_many_are_refused() throws SQLException {
        List<String> calls = calls().flatMap(List::stream).toList();
        List<String> taken = new ArrayList<>();
        try (Connection session = sql.database.connect(SqlSurface.ALICE)) {
            session.setAutoCommit(false);
            for (String call : calls) {
                if (started(session, call, new ArrayList<>()) != null) {
                    taken.add(call);
                }
                session.rollback();
            }
        }
        assertThat(calls).hasSizeGreaterThan(500);
        assertThat(taken).hasSizeBetween(200, calls.size() - 150);
    }
}
