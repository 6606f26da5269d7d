package dev.perdure.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.Slow;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The jobs that people have, in the words of the documentation, keep what the page says of them while the worker is ended again and again:
 * each row once, each failure handled once, each pause to its end.
 */
@Slow("each example of two pages, with a worker that ends again and again")
class JobsTest {

    private static final long MILLIS_OF_A_TERM = 120;
    private static final int FEWEST_TERMS = 5;

    @ParameterizedTest
    @ValueSource(strings = {"patterns.md", "scenarios.md"})
    void each_job_does_what_its_page_says_whenever_the_worker_ends(String name) throws Exception {
        Page page = Page.of(name);
        AtomicInteger terms = new AtomicInteger();
        try (Stage stage = Stage.of(Optional.empty())) {
            ScheduledExecutorService fate = Executors.newSingleThreadScheduledExecutor();
            try {
                ScheduledFuture<?> ends = fate.scheduleWithFixedDelay(
                        () -> {
                            stage.disturb();
                            terms.incrementAndGet();
                        },
                        MILLIS_OF_A_TERM,
                        MILLIS_OF_A_TERM,
                        TimeUnit.MILLISECONDS);
                for (Page.Block block : page.blocks()) {
                    if (block.isSql()) {
                        stage.run(block);
                    }
                }
                assertThat(ends.isDone())
                        .as("the worker could be ended each time")
                        .isFalse();
                assertThat(terms.get()).isGreaterThan(FEWEST_TERMS);
            } finally {
                // Whoever ends a term waits for the next one.
                fate.shutdown();
                assertThat(fate.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
            }
        }
    }
}
