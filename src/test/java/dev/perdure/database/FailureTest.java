package dev.perdure.database;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.Failure.Kind;
import io.vertx.pgclient.PgException;
import java.io.IOException;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** One meaning for an error, whichever driver brought it. */
class FailureTest {

    private static PgException reactive(String state) {
        return new PgException(
                "why", "ERROR", state, "what", "how", "17", null, null, null, null, null, null, null, null, null, null,
                null);
    }

    @Test
    void the_reactive_clients_errors_keep_everything() {
        Failure failure = Failure.of(reactive("42601"));

        assertThat(failure).isEqualTo(new Failure(Kind.STEP, "42601", "why", "what", "how", 17));
    }

    @ParameterizedTest
    @CsvSource({
        "40001, TRANSIENT",
        "40P01, TRANSIENT",
        "53000, EXHAUSTED",
        "53100, EXHAUSTED",
        "53200, EXHAUSTED",
        "53300, EXHAUSTED",
        "53400, STEP",
        "55P03, LOCK_TIMEOUT",
        "57014, CANCELED",
        "57P01, CONNECTION_LOST",
        "DF001, STALE",
        "DF002, FENCED",
        "08006, STEP",
        "22012, STEP"
    })
    void what_the_server_says_means_the_same_to_both(String state, Kind kind) {
        assertThat(Failure.of(reactive(state)).kind()).isEqualTo(kind);
        assertThat(Failure.of((Throwable) reactive(state)).kind()).isEqualTo(kind);
    }

    @Test
    void a_connection_that_is_gone_is_told_from_a_bug_of_ours() {
        assertThat(Failure.of(new SQLException("closed", "08006")).kind()).isEqualTo(Kind.CONNECTION_LOST);
        assertThat(Failure.of((Throwable) new IOException("closed")).kind()).isEqualTo(Kind.CONNECTION_LOST);
        assertThat(Failure.of(new NullPointerException()).kind()).isEqualTo(Kind.TRANSIENT);
    }

    private static PSQLException fromServer(String state, String message, String hint, String where) {
        return new PSQLException(
                new ServerErrorMessage("SERROR\0C" + state + "\0M" + message + "\0H" + hint + "\0W" + where + "\0\0"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                "08006 | connection to the remote node app@10.0.0.1:5432 failed with the following error: refused | | ",
                "08006 | could not establish any connections to the node 10.0.0.1:5432 after 30000 ms | | ",
                "XX000 | failed to prepare transaction 'citus_0_1_2_0' on host 10.0.0.1:5432 | | ",
                "57P01 | terminating connection due to administrator command | | while executing command on 10.0.0.1:5432",
                "XX000 | SSL SYSCALL error: EOF detected, invalid socket | | while executing command on 10.0.0.1:5432",
                "57P03 | the database system is starting up | | while executing command on 10.0.0.1:5432",
                "55000 | prepared transactions are disabled | Set max_prepared_transactions to a nonzero value. | while executing command on 10.0.0.1:5432"
            })
    void a_node_of_citus_that_is_away_is_the_servers_trouble(String state, String message, String hint, String where) {
        PSQLException error = fromServer(state, message, String.valueOf(hint), String.valueOf(where));

        assertThat(Failure.ofStatement(error, false).kind()).isEqualTo(Kind.EXHAUSTED);
        assertThat(Failure.ofStatement(error, false).isServersTrouble()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "08006 | the other side is gone | PL/pgSQL function f() line 1 at RAISE",
                "08001 | could not establish connection | SQL function dblink",
                "23505 | duplicate key value violates unique constraint | while executing command on 10.0.0.1:5432",
                "55000 | no | while executing command on 10.0.0.1:5432"
            })
    void what_a_step_says_of_other_connections_or_a_node_says_of_a_step_is_the_steps_failure(
            String state, String message, String where) {
        assertThat(Failure.ofStatement(fromServer(state, message, "", where), false)
                        .kind())
                .isEqualTo(Kind.STEP);
    }

    @Test
    void an_internal_error_of_a_node_may_be_a_connection_that_broke_and_is_tried_again_and_counted() {
        PSQLException error = fromServer("XX000", "anything", "", "while executing command on 10.0.0.1:5432");

        assertThat(Failure.ofStatement(error, false).kind()).isEqualTo(Kind.TRANSIENT);
    }

    @Test
    void texts_are_cut_between_characters() {
        String long1 = "x".repeat(256 * 1024 - 1) + "\ud83d\ude00".repeat(10);
        Failure failure = new Failure(Kind.STEP, "P0001", long1, long1, long1, 0);

        assertThat(failure.message()).isEqualTo("x".repeat(256 * 1024 - 1) + "… (20 more characters)");
        assertThat(failure.detail()).isEqualTo(failure.message());
        assertThat(failure.hint()).isEqualTo(failure.message());
    }
}
