package dev.perdure.engine.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.engine.queue.MemoryQuota;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Who waits for memory, and keeps others of the role out meanwhile. */
class MemoryClaimsTest {

    private static final long ROLE = 7;

    private final MemoryQuota memory = new MemoryQuota(1_000_000, () -> {});
    private final MemoryClaims<String> claims = new MemoryClaims<>(memory);

    @Test
    void a_role_is_let_in_again_when_its_first_statement_has_memory_or_is_not_wanted_any_more() {
        claims.waits(ROLE, "first");
        assertThat(claims.forget("another"::equals)).isFalse();
        assertThat(memory.isClaimed(ROLE)).isTrue();
        assertThat(claims.of(ROLE)).isEqualTo("first");
        claims.has(ROLE);
        assertThat(memory.isClaimed(ROLE)).isFalse();
        assertThat(claims.all()).isEmpty();

        claims.waits(ROLE, "second");
        assertThat(claims.forget("second"::equals)).isTrue();
        assertThat(memory.isClaimed(ROLE)).isFalse();
        assertThat(claims.of(ROLE)).isNull();
    }

    /** A statement waits whose instance is being cancelled: one thread says that it waits, another one that it is not wanted. */
    @Test
    void no_claim_stays_that_nobody_knows_of() {
        for (int round = 0; round < 20_000; round++) {
            CompletableFuture<Void> waiting = CompletableFuture.runAsync(() -> claims.waits(ROLE, "unwanted"));
            do {
                claims.forget("unwanted"::equals);
            } while (!waiting.isDone());
            claims.forget("unwanted"::equals);

            assertThat(memory.isClaimed(ROLE)).as("round %d", round).isFalse();
        }
    }
}
