package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What df.map takes, and what it says of what it does not take: when it is built, and when it is started. */
class MapBuilderTest {

    private static TestDatabase database;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        database.execute("postgres", "CREATE ROLE map_builder LOGIN");
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('map_builder')");
    }

    private static String value(String sql) throws SQLException {
        return database.value("map_builder", sql);
    }

    @Test
    void it_is_a_node_with_its_body_its_items_and_its_configuration() throws SQLException {
        assertThat(value("SELECT df.map('SELECT 1 AS id', 'SELECT $item.id')"))
                .isEqualTo("{\"node_type\":\"MAP\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"SELECT $item.id\"},"
                        + "\"right_node\":{\"node_type\":\"SQL\",\"query\":\"SELECT 1 AS id\"},\"query\":"
                        + "\"{\\\"items\\\":null,\\\"item\\\":\\\"item\\\",\\\"max_concurrent\\\":10,\\\"batch_size\\\":1,"
                        + "\\\"on_failure\\\":\\\"fail\\\",\\\"tolerate\\\":null}\"}");
        assertThat(value("SELECT df.map(' $rows ', 'SELECT $item.id')::jsonb ->> 'right_node'"))
                .isNull();
        assertThat(value("SELECT (df.map('$rows', 'SELECT 1')::jsonb ->> 'query')::jsonb ->> 'items'"))
                .isEqualTo("rows");
        assertThat(value("SELECT df.explain(df.map('$rows', 'SELECT 1', 'x', 3, 5, 'tolerate', '2.5%'))"))
                .contains("MAP ($rows, max 3 at once, batches of 5, tolerates 2.5%)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "max_concurrent => 0           | max_concurrent of df.map must be from 1 to 10000, not 0",
                "max_concurrent => -1          | max_concurrent of df.map must be from 1 to 10000, not -1",
                "max_concurrent => 10001       | max_concurrent of df.map must be from 1 to 10000, not 10001",
                "max_concurrent => NULL        | max_concurrent of df.map must be from 1 to 10000, not NULL",
                "batch_size => 0               | batch_size of df.map must be from 1 to 10000, not 0",
                "batch_size => NULL            | batch_size of df.map must be from 1 to 10000, not NULL",
                "item => 'two words'           | item of df.map must be a name",
                "item => ''                    | item of df.map must be a name",
                "item => NULL                  | item of df.map must be a name",
                "on_failure => 'stop'          | on_failure of df.map must be fail, continue or tolerate, not 'stop'",
                "on_failure => NULL            | on_failure of df.map must be fail, continue or tolerate, not NULL",
                "on_failure => 'tolerate'      | belong together",
                "tolerate => '5'               | belong together",
                "on_failure => 'tolerate', tolerate => '-1'    | tolerate of df.map must be a number of items or a percentage, not '-1'",
                "on_failure => 'tolerate', tolerate => '101%'  | tolerate of df.map must be a number of items or a percentage",
                "on_failure => 'tolerate', tolerate => '100.5%' | tolerate of df.map must be a number of items or a percentage",
                "on_failure => 'tolerate', tolerate => ''      | tolerate of df.map must be a number of items or a percentage",
            })
    void what_it_does_not_take_is_refused_when_it_is_built(String argument, String message) {
        assertThatThrownBy(() -> value("SELECT df.map('SELECT 1', 'SELECT 1', " + argument + ")"))
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{}                                | MAP is not of the right type",
                "[]                                | must be a JSON config object",
                "{\"item\":\"item\",\"max_concurrent\":1.5,\"batch_size\":1,\"on_failure\":\"fail\"} | must be whole numbers",
                "{\"item\":\"item\",\"max_concurrent\":10,\"batch_size\":1,\"on_failure\":\"fail\",\"items\":\"x\"} | either a node whose rows are its items",
                "{\"item\":\"item\",\"max_concurrent\":99999,\"batch_size\":1,\"on_failure\":\"fail\"} | from 1 to 10000, not 99999",
            })
    void a_node_that_is_written_by_hand_is_checked_when_it_is_started(String config, String message) {
        assertThatThrownBy(() -> value(
                        "SELECT df.start(jsonb_build_object('node_type', 'MAP', 'left_node', df.sql('SELECT 1')::jsonb,"
                                + " 'right_node', df.sql('SELECT 1')::jsonb, 'query', '" + config + "')::text)"))
                .hasMessageContaining(message);
    }

    @Test
    void a_result_that_nobody_binds_is_found_when_it_is_started() {
        assertThatThrownBy(() -> value("SELECT df.start(df.map('$nowhere', 'SELECT 1'))"))
                .hasMessageContaining("no step of this workflow binds the name of $nowhere");
    }

    @Test
    void only_a_map_of_ones_own_that_runs_can_be_set() {
        assertThatThrownBy(() -> value("SELECT df.set_map('00000000', '00000000', 5)"))
                .hasMessageContaining("not found");
        assertThatThrownBy(() -> value("SELECT df.set_map('00000000', '00000000', 0)"))
                .hasMessageContaining("max_concurrent of df.map must be from 1 to 10000");
    }

    @Test
    void items_of_others_are_not_seen_and_cannot_be_written() {
        assertThatThrownBy(() -> value("SELECT count(*) FROM df._map_items")).hasMessageContaining("permission denied");
        assertThatThrownBy(() -> value("SELECT count(*) FROM df._maps")).hasMessageContaining("permission denied");
        assertThatThrownBy(() ->
                        value("SELECT df.checkpoint_map('', 1, '00000000', 'n', 's', 1, NULL, '{\"rows\":[]}', 0)"))
                .hasMessageContaining("perdure: ");
        assertThatThrownBy(() -> value("SELECT df.checkpoint_items('', 1, '00000000.1', '[]')"))
                .hasMessageContaining("perdure: ");
        assertThatThrownBy(() -> value("SELECT df.checkpoint_item('', 1, '00000000.1.1', 1, '{}', NULL)"))
                .hasMessageContaining("perdure: ");
    }
}
