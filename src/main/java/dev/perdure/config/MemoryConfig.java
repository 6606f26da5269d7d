package dev.perdure.config;

import io.quarkus.runtime.configuration.MemorySize;
import java.util.Optional;

/** Memory of the worker for instances: {@code perdure.memory.*}. */
public interface MemoryConfig {

    /**
     * The bytes for definitions, variables, results and data waiting to be written, of all instances together. A role has at most half of
     * what the others leave; what does not fit waits. Without it: two fifths of the largest heap.
     */
    Optional<MemorySize> limit();
}
