package dev.perdure.engine.queue;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** How roles share the memory. */
class MemoryQuotaTest {

    private static final long LARGE = 1;
    private static final long SMALL = 2;
    private static final long THIRD = 3;

    private final MemoryQuota memory = new MemoryQuota(1000, () -> {});

    @Test
    void a_role_has_half_of_what_the_others_leave() {
        assertThat(memory.take(SMALL, 501)).isFalse();
        assertThat(memory.take(SMALL, 500)).isTrue();
        assertThat(memory.take(THIRD, 251)).isFalse();
        assertThat(memory.take(THIRD, 250)).isTrue();
    }

    @Test
    void one_thing_of_a_role_with_little_comes_in_where_it_is_free_though_it_is_more_than_the_share() {
        memory.take(SMALL, 300);
        assertThat(memory.take(LARGE, 500)).isFalse();

        assertThat(memory.takeInTurn(LARGE, 500, 0)).isTrue();

        assertThat(memory.takeInTurn(LARGE, 50, 0))
                .as("beyond its share, and it has much already")
                .isFalse();
        assertThat(memory.takeInTurn(THIRD, 201, 0)).as("more than is free").isFalse();
        assertThat(memory.takeInTurn(THIRD, 200, 0)).isTrue();
        assertThat(memory.takeInTurn(LARGE, 501, 0))
                .as("more than a role can ever have")
                .isFalse();
    }

    @Test
    void what_belongs_to_the_one_large_thing_of_a_role_comes_in_though_the_thing_is_large() {
        memory.take(SMALL, 400);
        memory.takeInTurn(LARGE, 300, 0);
        assertThat(memory.take(LARGE, 100)).isFalse();
        assertThat(memory.takeInTurn(LARGE, 100, 0)).isFalse();

        assertThat(memory.takeInTurn(LARGE, 100, 300)).isTrue();
    }

    @Test
    void nothing_of_others_comes_in_beyond_their_shares_of_the_rest_while_room_is_kept() {
        memory.take(SMALL, 300);
        memory.take(THIRD, 300);
        assertThat(memory.takeInTurn(LARGE, 500, 0)).isFalse();
        assertThat(memory.keep(LARGE, 500)).isTrue();
        assertThat(memory.isCrowded(SMALL)).isTrue();

        memory.give(SMALL, 150);
        assertThat(memory.takeInTurn(SMALL, 40, 0)).isFalse();
        assertThat(memory.take(SMALL, 40)).as("for what is in memory already").isTrue();
        assertThat(memory.takeInTurn(LARGE, 500, 0)).isTrue();

        memory.keepNothing();
        memory.give(THIRD, 300);
        assertThat(memory.takeInTurn(SMALL, 40, 0)).isTrue();
    }

    @Test
    void what_is_in_memory_goes_on_while_room_is_kept_that_only_its_end_can_free() {
        memory.take(SMALL, 200);
        memory.take(THIRD, 320);
        assertThat(memory.takeInTurn(LARGE, 500, 0)).isFalse();
        memory.keep(LARGE, 500);

        assertThat(memory.takeInTurn(SMALL, 100, 0)).as("another one").isFalse();
        assertThat(memory.takeInTurn(SMALL, 100, 200)).isTrue();
        memory.give(SMALL, 300);
        assertThat(memory.takeInTurn(LARGE, 500, 0)).isTrue();
    }

    @Test
    void no_room_is_kept_for_a_role_that_fills_it_itself() {
        memory.take(LARGE, 200);

        assertThat(memory.keep(LARGE, 400)).isFalse();
        assertThat(memory.takeInTurn(SMALL, 400, 0)).isTrue();
    }
}
