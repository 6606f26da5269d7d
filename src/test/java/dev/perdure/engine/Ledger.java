package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A table that counts effects: no key keeps a step that runs twice from leaving two rows. Its workflows are chains of
 * numbered steps, so that what is missing, doubled or out of order is seen.
 */
public final class Ledger {

    private final Submitter submitter;

    private Ledger(Submitter submitter) {
        this.submitter = submitter;
    }

    /** Creates the table. */
    public static Ledger create(Submitter submitter) throws SQLException {
        submitter.execute("CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY, instance text, step text,"
                + " at timestamptz DEFAULT clock_timestamp())");
        return new Ledger(submitter);
    }

    /** The table that is there. */
    static Ledger existing(Submitter submitter) {
        return new Ledger(submitter);
    }

    /** The text of one step, quoted for the DSL. */
    static String step(String name, double seconds) {
        return "'INSERT INTO ledger (instance, step) SELECT ''{sys_instance_id}'', ''" + name + "'' FROM pg_sleep("
                + seconds + ")'";
    }

    /** A chain of {@code steps} steps, named 1, 2, …, that take {@code seconds} each. */
    static String chain(int steps, double seconds) {
        return IntStream.rangeClosed(1, steps)
                .mapToObj(i -> step(Integer.toString(i), seconds))
                .collect(Collectors.joining(" ~> "));
    }

    /** Starts chains. */
    public List<String> start(int instances, int steps, double seconds) throws SQLException {
        List<String> ids = new ArrayList<>();
        String chain = chain(steps, seconds);
        for (int i = 0; i < instances; i++) {
            ids.add(submitter.start(chain));
        }
        return ids;
    }

    int size() throws SQLException {
        return Integer.parseInt(String.valueOf(submitter.value("SELECT count(*) FROM ledger")));
    }

    public void awaitSize(int atLeast) {
        submitter.awaitValue("t", "SELECT count(*) >= " + atLeast + " FROM ledger");
    }

    /** Waits for all chains, and compares what they did with what they had to do. */
    public void assertEachStepHappenedOnce(List<String> ids, int steps) throws SQLException {
        String all = IntStream.rangeClosed(1, steps).mapToObj(Integer::toString).collect(Collectors.joining(","));
        for (String id : ids) {
            var ended = submitter.await(id);
            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        }
        for (String id : ids) {
            assertThat(submitter.value("SELECT string_agg(step, ',' ORDER BY id) FROM ledger WHERE instance = ?", id))
                    .isEqualTo(all);
        }
    }

    /** The longest time without any effect, in milliseconds. */
    long longestGapMillis() throws SQLException {
        return Long.parseLong(String.valueOf(submitter.value("SELECT (1000 * extract(epoch FROM max(gap)))::bigint FROM"
                + " (SELECT at - lag(at) OVER (ORDER BY at) AS gap FROM ledger) x")));
    }
}
