package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Results of joins, and rows of results, by their number. */
class ElementsTest {

    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        TestDatabase database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "elements_app");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '§',
            quoteCharacter = '`',
            textBlock =
                    """
                    'SELECT i AS a, i * 1.5 AS b FROM generate_series(1, 3) i' |=> 'r' ~> 'SELECT $r[2] + $r[3].b AS v'      § 6.5
                    'SELECT i AS a FROM generate_series(1, 3) i' |=> 'r' ~> 'SELECT a AS v FROM $r[3].*'                       § 3
                    'SELECT i AS a FROM generate_series(1, 3) i' |=> 'r' ~> df.sql('SELECT $1::int AS v', '$r[2].a')           § 2
                    'SELECT 1 AS a' |=> 'r' ~> 'SELECT coalesce($r[2]?, 9) AS v'                                             § 9
                    'SELECT 1 AS a' |=> 'r' ~> 'SELECT $r[2] AS v'                                                           § $r[2]: there is no such row
                    df.join('SELECT 7 AS x, 8 AS y', 'SELECT ''b'' AS y') |=> 'both' ~> 'SELECT $both[1].y || $both[2] AS v'  § 8b
                    df.join('SELECT 7 AS x', 'SELECT i FROM generate_series(1, 4) i') |=> 'both' ~> 'SELECT sum(i) AS v FROM $both[2].*' § 10
                    ('SELECT 1' & 'SELECT 2' & 'SELECT 3') |=> 'all' ~> 'SELECT $all[1][2] + $all[2] AS v'                   § 5
                    df.join('SELECT 7 AS x', 'SELECT 8') |=> 'both' ~> 'SELECT $both[3] AS v'                                § $both[3]: there is no such row
                    'SELECT 1' |=> 'r' ~> 'SELECT (ARRAY[5, 6])[$r[1] + 1] AS v'          § 6
                    """)
    void an_element_is_read_by_its_number(String expression, String expected) throws SQLException {
        Submitter.Ended ended = app.run(expression);

        if (ended.status().equals("completed")) {
            assertThat(app.result(ended.id()).at("/rows/0/v").asText()).isEqualTo(expected);
        } else {
            assertThat(ended.output()).contains(expected);
        }
    }
}
