package dev.perdure.flow.rule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.flow.Activation;
import dev.perdure.flow.FailureCode;
import dev.perdure.flow.Outcome;
import dev.perdure.graph.RetryPolicy;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RetryDelayTest {

    @Test
    void delays_grow_up_to_the_longest_and_differ_between_instances() {
        RetryPolicy policy = new RetryPolicy(null, 1000, 2, 10_000, null);
        Instant now = Instant.parse("2026-01-01T00:00:00Z");
        Outcome.Failed failure = new Outcome.Failed("x");
        List<Long> shortest = List.of(800L, 1600L, 3200L, 6400L, 8000L, 8000L);
        for (int failed = 1; failed <= 6; failed++) {
            for (int i = 0; i < 200; i++) {
                Instant next =
                        RetryDelay.next(policy, failed, failure, new Activation("00000001", i + "::" + failed), now);
                long delay = Duration.between(now, next).toMillis();
                assertThat(delay)
                        .isBetween(shortest.get(failed - 1), Math.min(10_000, shortest.get(failed - 1) * 3 / 2));
            }
        }
        assertThat(IntStream.range(0, 200)
                        .mapToObj(i -> RetryDelay.next(policy, 1, failure, new Activation("00000001", i + "::2"), now))
                        .distinct()
                        .count())
                .as("jitter")
                .isGreaterThan(80);
        assertThat(RetryDelay.next(policy, Integer.MAX_VALUE, failure, new Activation("1", "a::9"), now))
                .isBetween(now.plusSeconds(8), now.plusSeconds(10));
    }

    @ParameterizedTest
    @CsvSource({"3, 3000", "0, 1000", "100, 60000", "'Thu, 01 Jan 2026 00:00:05 GMT', 5000", "soon, 1000", "-5, 1000"})
    void retry_after_lengthens_the_delay_up_to_the_longest(String header, long expected) {
        RetryPolicy policy = new RetryPolicy(null, 1000, 2, 60_000, null);
        Instant now = Instant.parse("2026-01-01T00:00:00Z");
        Outcome.Failed failure =
                new Outcome.Failed("x", FailureCode.http(429), null, null, HttpAnswer.notBefore(header, now));
        Instant next = RetryDelay.next(policy, 1, failure, new Activation("00000001", "a::2"), now);
        assertThat(next)
                .isBetween(
                        now.plusMillis(expected == 1000 ? 800 : expected),
                        now.plusMillis(expected == 1000 ? 1200 : expected));
    }
}
