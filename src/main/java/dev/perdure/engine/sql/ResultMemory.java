package dev.perdure.engine.sql;

import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.step.StepPort;

/** Memory for results out of what a session's run holds. */
record ResultMemory(MemoryQuota.Holding memory) implements StepPort.ResultBudget {

    @Override
    public boolean take(long bytes) {
        return memory.take(bytes);
    }

    @Override
    public void giveBack(long bytes) {
        memory.give(bytes);
    }
}
