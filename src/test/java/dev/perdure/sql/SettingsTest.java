package dev.perdure.sql;

import static dev.perdure.sql.SqlSurface.OWNER;
import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rows of {@code df.settings} are checked when they are written, and not by the call that reads them later. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SettingsTest {

    private final SqlSurface sql = new SqlSurface();

    @AfterEach
    void defaults() throws SQLException {
        sql.asOwner("DELETE FROM df.settings");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            'nope', 'x'                                     | there is no setting "nope"
            'pg_durable.list_instances_max_limit', '5'      | there is no setting "pg_durable.list_instances_max_limit"
            'perdure.http.mode', 'off'                      | Settings perdure.* belong to the worker.
            'list_instances_max_limit', 'abc'               | invalid value for setting "list_instances_max_limit": "abc"
            'list_instances_max_limit', ''                  | invalid value for setting "list_instances_max_limit": ""
            'list_instances_max_limit', '0'                 | A whole number from 1 to 1000000.
            'list_instances_max_limit', '-1'                | A whole number from 1 to 1000000.
            'list_instances_max_limit', '1000001'           | A whole number from 1 to 1000000.
            'list_instances_max_limit', '10000000000000000' | A whole number from 1 to 1000000.
            'list_instances_max_limit', '1.5'               | A whole number from 1 to 1000000.
            'max_new_transaction_starts', '0'               | A whole number from 1 to 1000.
            'max_new_transaction_starts', '1001'            | A whole number from 1 to 1000.
            'new_transaction_start_timeout', '0'            | A whole number from 1 to 3600.
            'new_transaction_start_timeout', '3601'         | A whole number from 1 to 3600.
            'new_transaction_start_timeout', '5s'           | A whole number from 1 to 3600.
            'enable_superuser_instances', 'maybe'           | invalid value for setting "enable_superuser_instances": "maybe"
            'notify', '2'                                   | invalid value for setting "notify": "2"
            'loopback', ' '                                 | invalid value for setting "loopback": it is empty
            'loopback_server', ''                           | invalid value for setting "loopback_server": it is empty
            """)
    void nonsense_is_refused_with_what_would_do(String row, String message) throws SQLException {
        assertThat(sql.error(OWNER, "INSERT INTO df.settings VALUES (" + row + ")"))
                .startsWith("22023: ")
                .contains(message);
        assertThat(sql.value("SELECT count(*) FROM df.settings")).isEqualTo("0");
    }

    @ParameterizedTest
    @CsvSource({
        "list_instances_max_limit, 1, 1000000",
        "max_new_transaction_starts, 1, 1000",
        "new_transaction_start_timeout, 1, 3600",
        "enable_superuser_instances, ON, No",
        "notify, True, 0",
        "loopback, host=/tmp, hostaddr=127.0.0.1",
        "loopback_server, s, other"
    })
    void the_limits_themselves_and_any_spelling_of_on_and_off_are_good(String name, String first, String then)
            throws SQLException {
        sql.asOwner("INSERT INTO df.settings VALUES ('" + name + "', '" + first + "')");
        sql.asOwner("UPDATE df.settings SET value = '" + then + "' WHERE name = '" + name + "'");
        assertThat(sql.rows("SELECT name, value FROM df.settings")).containsExactly(List.of(name, then));
    }

    @Test
    void a_change_to_nonsense_is_refused_too_and_null_means_the_default() throws SQLException {
        sql.asOwner("INSERT INTO df.settings VALUES ('list_instances_max_limit', '2000')");
        assertThat(sql.rows("SELECT * FROM df.list_instances(NULL, 2000)")).isEmpty();
        assertThat(sql.error(OWNER, "UPDATE df.settings SET value = 'many'")).startsWith("22023: ");

        sql.asOwner("UPDATE df.settings SET value = NULL");
        assertThat(sql.error("SELECT * FROM df.list_instances(NULL, 1001)")).contains("(1000)");
    }
}
