package dev.perdure.step;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Statements that would end or replace a step's transaction or identity are refused with a reason, and in linear time. */
class StatementGuardTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "COMMIT",
                ";; /* a /* nested */ comment */ -- and\n rollback",
                "PREPARE TRANSACTION 'x'",
                "SET SESSION AUTHORIZATION bob",
                "set local role bob",
                "RESET ROLE",
                "DISCARD ALL",
                "LISTEN x",
                "COPY t FROM STDIN",
                "SELECT '\0'"
            })
    void what_would_end_the_step_is_refused(String sql) {
        assertThat(StatementGuard.refuse(sql)).isNotNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT 1",
                "PREPARE p AS SELECT 1",
                "SET work_mem = '1MB'",
                "COPY t TO '/tmp/x'",
                "",
                "-- nothing"
            })
    void what_does_not_is_not(String sql) {
        assertThat(StatementGuard.refuse(sql)).isNull();
    }

    @Test
    void a_text_of_a_megabyte_takes_a_moment_whatever_is_in_it() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        StringBuilder dollars = new StringBuilder("do ");
        for (int i = 0; i < 100_000; i++) {
            dollars.append("$a").append(i).append("$ ");
        }
        for (String text : new String[] {
            dollars.toString(),
            "/*".repeat(500_000),
            "--\n".repeat(300_000),
            ";".repeat(1_000_000),
            "COPY " + "'".repeat(1_000_000)
        }) {
            long before = threads.getCurrentThreadCpuTime();
            StatementGuard.refuse(text);
            StatementGuard.firstWord(text);
            assertThat((threads.getCurrentThreadCpuTime() - before) / 1_000_000).isLessThan(2_000);
        }
    }
}
