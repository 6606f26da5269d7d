package dev.perdure.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.engine.Submitter;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Steps that want to use up the worker's memory or time. ResultDocumentTest has those with large results. */
class ExhaustionAttacksTest {

    private static Scene scene;

    @BeforeAll
    static void begin() throws SQLException {
        scene = Scene.open();
    }

    @AfterAll
    static void end() throws SQLException {
        scene.close();
    }

    @Test
    void notices_without_end_do_not_stay_in_memory() throws SQLException {
        Runtime runtime = Runtime.getRuntime();
        System.gc();
        long before = runtime.totalMemory() - runtime.freeMemory();
        // A quarter of a gigabyte, said although nobody asked.
        String id = scene.mallory.start("$df$DO 'BEGIN SET LOCAL client_min_messages = notice;"
                + " FOR i IN 1..250 LOOP RAISE NOTICE ''%'', repeat(''x'', 1000000); END LOOP;"
                + " PERFORM pg_sleep(600); END'$df$");
        scene.mallory.awaitValue(
                "PgSleep",
                "SELECT wait_event FROM pg_stat_activity WHERE usename = 'mallory' AND application_name = 'perdure-step'"
                        + " AND wait_event = 'PgSleep'");
        System.gc();
        long after = runtime.totalMemory() - runtime.freeMemory();

        assertThat(after - before).isLessThan(100_000_000L);
        scene.assertAliceIsServed();
        scene.mallory.value("SELECT df.cancel(?)", id);
        assertThat(scene.mallory.await(id).status()).isEqualTo("cancelled");
    }

    @Test
    void an_error_text_without_end_is_cut_and_says_so() throws SQLException {
        Submitter.Ended ended = scene.mallory.run("$df$DO 'BEGIN RAISE ''%'', repeat(''x'', 50000000); END'$df$");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).hasSizeLessThan(300_000).endsWith("… (49738880 more characters)");
        scene.assertAliceIsServed();
    }

    @Test
    void a_flood_of_notifications_is_coalesced() throws SQLException {
        scene.mallory.execute(
                "DO 'DECLARE c text := (SELECT channel FROM df._wake); BEGIN FOR i IN 1..5000 LOOP"
                        + " PERFORM pg_notify(c, i || repeat(''x'', 7000)), pg_notify(''perdure_wake'', i::text); END LOOP; END'");
        for (int i = 0; i < 5; i++) {
            scene.assertAliceIsServed();
        }
    }
}
