package dev.perdure.web.answer;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** Counts of uses of the addresses that steps of a database hand out, by outcome. Thread-safe. */
public final class AnswerCounts {

    private final Map<AnswerDesk.Outcome, LongAdder> counts = new EnumMap<>(AnswerDesk.Outcome.class);

    public AnswerCounts() {
        for (AnswerDesk.Outcome outcome : AnswerDesk.Outcome.values()) {
            counts.put(outcome, new LongAdder());
        }
    }

    /** One more. */
    public void add(AnswerDesk.Outcome outcome) {
        adder(outcome).increment();
    }

    /** The number of them since the process began. */
    public long counted(AnswerDesk.Outcome outcome) {
        return adder(outcome).sum();
    }

    private LongAdder adder(AnswerDesk.Outcome outcome) {
        LongAdder adder = counts.get(outcome);
        if (adder == null) {
            throw new IllegalArgumentException(outcome.name());
        }
        return adder;
    }
}
