package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.store.Candidate;
import java.util.List;
import org.junit.jupiter.api.Test;

/** In which order instances are loaded. */
class IdQueueTest {

    private final IdQueue queue = new IdQueue();

    private static Candidate of(long role, String id) {
        return new Candidate(id, role);
    }

    private List<String> poll(int limit) {
        return queue.poll(limit, role -> true).stream().map(Candidate::id).toList();
    }

    @Test
    void roles_take_turns_and_one_keeps_its_order() {
        queue.addAll(List.of(of(1, "a"), of(1, "b"), of(1, "c"), of(2, "x"), of(3, "y")));
        assertThat(poll(10)).containsExactly("a", "x", "y", "b", "c");
        assertThat(queue.isEmpty()).isTrue();
    }

    @Test
    void a_turn_that_was_cut_off_goes_on_with_the_next_role() {
        queue.addAll(List.of(of(1, "a"), of(1, "b"), of(2, "x"), of(2, "y")));
        assertThat(poll(1)).containsExactly("a");
        assertThat(poll(2)).containsExactly("x", "b");
        assertThat(poll(2)).containsExactly("y");
    }

    @Test
    void each_id_waits_once() {
        queue.addAll(List.of(of(1, "a"), of(1, "b"), of(1, "a")));
        assertThat(poll(10)).containsExactly("a", "b");
    }

    @Test
    void a_role_that_is_refused_keeps_its_ids_and_holds_up_no_other() {
        queue.addAll(List.of(of(1, "a"), of(1, "b"), of(2, "x")));
        assertThat(queue.poll(10, role -> role == 2)).containsExactly(of(2, "x"));
        assertThat(queue.isEmpty()).isFalse();
        assertThat(poll(10)).containsExactly("a", "b");
    }
}
