package dev.perdure.ops;

import dev.perdure.web.answer.AnswerCounts;
import dev.perdure.web.answer.AnswerDesk;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import jakarta.inject.Singleton;
import java.util.Locale;

/** Metrics of the addresses by which others answer steps: many that are unknown are somebody who guesses. */
@Singleton
class AnswerMetrics implements MeterBinder {

    private final AnswerCounts counts;

    AnswerMetrics(AnswerCounts counts) {
        this.counts = counts;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        for (AnswerDesk.Outcome outcome : AnswerDesk.Outcome.values()) {
            FunctionCounter.builder("perdure.answers", counts, c -> c.counted(outcome))
                    .description("Requests to addresses that steps have handed out")
                    .tag("outcome", outcome.name().toLowerCase(Locale.ROOT))
                    .register(registry);
        }
    }
}
