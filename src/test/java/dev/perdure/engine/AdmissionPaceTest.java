package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.store.OwnerQueries.Admitted;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** How soon queues are looked at again, in virtual time. */
class AdmissionPaceTest {

    private final SimScheduler time = new SimScheduler(new Random(1));
    private final List<Long> asked = new ArrayList<>();

    /** Pauses behind answers that take so long each, while slots become free all the time. */
    private List<Long> pausesWhenAnAnswerTakes(Duration latency) {
        List<Long> pauses = new ArrayList<>();
        Admission admission = new Admission(
                (isFirst, after, ended) -> {
                    asked.add(time.nanos());
                    CompletableFuture<Admitted> answer = new CompletableFuture<>();
                    time.after(latency.toNanos(), () -> answer.complete(new Admitted(1, true, null, List.of())));
                    return answer;
                },
                time,
                time::nanos,
                () -> true,
                () -> {});
        time.every(Duration.ofMillis(1), () -> admission.slotMayBeFree("0123abcd"));
        admission.wake();
        assertThat(time.runUntil(() -> asked.size() > 10, Duration.ofMinutes(2)))
                .isTrue();
        for (int i = 1; i < asked.size(); i++) {
            pauses.add(Duration.ofNanos(asked.get(i) - asked.get(i - 1))
                    .minus(latency)
                    .toMillis());
        }
        return pauses;
    }

    @Test
    void it_rests_three_times_as_long_as_an_answer_took() {
        assertThat(pausesWhenAnAnswerTakes(Duration.ofMillis(20))).containsOnly(60L);
    }

    @Test
    void a_server_that_is_slow_is_not_waited_for_three_times() {
        assertThat(pausesWhenAnAnswerTakes(Duration.ofSeconds(2))).containsOnly(300L);
    }
}
