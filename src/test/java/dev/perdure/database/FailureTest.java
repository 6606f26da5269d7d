package dev.perdure.database;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.Failure.Kind;
import io.vertx.pgclient.PgException;
import java.io.IOException;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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

    @Test
    void texts_are_cut_between_characters() {
        String long1 = "x".repeat(256 * 1024 - 1) + "\ud83d\ude00".repeat(10);
        Failure failure = new Failure(Kind.STEP, "P0001", long1, long1, long1, 0);

        assertThat(failure.message()).isEqualTo("x".repeat(256 * 1024 - 1) + "… (20 more characters)");
        assertThat(failure.detail()).isEqualTo(failure.message());
        assertThat(failure.hint()).isEqualTo(failure.message());
    }
}
