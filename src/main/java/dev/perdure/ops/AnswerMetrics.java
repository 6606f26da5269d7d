package dev.perdure.ops;

import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import dev.perdure.web.answer.AnswerCounts;
import dev.perdure.web.answer.AnswerDesk;
import dev.perdure.web.answer.AnswersOfDatabases;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import jakarta.inject.Singleton;

/** Metrics of the addresses by which others answer steps: many that are unknown are somebody who guesses. */
@Singleton
class AnswerMetrics implements MeterBinder {

    private final Databases databases;
    private final AnswersOfDatabases answers;

    AnswerMetrics(Databases databases, AnswersOfDatabases answers) {
        this.databases = databases;
        this.answers = answers;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        for (ServedDatabase one : databases.all()) {
            AnswerCounts counts = answers.of(one.name());
            for (AnswerDesk.Outcome outcome : AnswerDesk.Outcome.values()) {
                FunctionCounter.builder("perdure.answers", counts, c -> c.counted(outcome))
                        .description("Requests to addresses that steps have handed out")
                        .tags(Labels.of(one).and("outcome", Labels.of(outcome)))
                        .register(registry);
            }
        }
    }
}
