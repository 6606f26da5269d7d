package dev.perdure.security;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One role that starts more than can ever be worked on; the others go on as if it were not there. */
class StarvationTest {

    /** More than a role's half of that memory holds. */
    private static final int MANY = 100;

    private Scene scene;

    @BeforeEach
    void begin() throws SQLException {
        scene = Scene.open(Map.of(
                "perdure.memory.limit",
                "256k",
                "perdure.step.max-concurrent",
                "4",
                "perdure.step.max-concurrent-per-role",
                "2"));
    }

    @AfterEach
    void end() throws SQLException {
        scene.close();
    }

    @Test
    void instances_that_run_for_ever_do_not_fill_the_memory_that_others_need() throws SQLException {
        scene.mallory.execute(
                "DO 'BEGIN FOR i IN 1.." + MANY + " LOOP PERFORM df.start(''SELECT pg_sleep(3600)''); END LOOP; END'");
        scene.mallory.awaitValue("t", "SELECT count(*) >= 2 FROM df.instances WHERE status = 'running'");

        for (int i = 0; i < 3; i++) {
            scene.assertAliceIsServed();
        }
        assertThat(scene.worker.statistics().liveInstances())
                .as("instances in memory")
                .isBetween(2, MANY / 2);

        // Also of the next leader, which finds them running.
        scene.worker.loseMemory();
        scene.assertAliceIsServed();
    }

    @Test
    void those_that_had_to_wait_are_taken_up_when_there_is_room() throws SQLException {
        scene.mallory.execute("CREATE TABLE done (x int);"
                + " DO 'BEGIN FOR i IN 1..100 LOOP PERFORM df.start(''INSERT INTO done VALUES (1)''); END LOOP; END'");
        scene.mallory.awaitValue("100", "SELECT count(*) FROM df.instances WHERE status = 'completed'");
        assertThat(scene.mallory.value("SELECT count(*) FROM done")).isEqualTo("100");
    }
}
