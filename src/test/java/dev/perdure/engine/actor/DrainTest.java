package dev.perdure.engine.actor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a thread does after it has left a mailbox. */
class DrainTest {

    private final List<Runnable> elsewhere = new ArrayList<>();
    private final Lanes lanes = new Lanes() {
        @Override
        public void drain(InstanceActor actor, Lane lane) {
            throw new AssertionError("nothing to drain");
        }

        @Override
        public void onSessionThread(Runnable work) {
            elsewhere.add(work);
        }
    };
    private int done;

    private void step(int left) {
        done++;
        if (left > 0) {
            Drain drain = new Drain(Lane.SESSIONS);
            drain.afterwards(() -> step(left - 1));
            drain.leave(lanes);
        }
    }

    @Test
    void any_number_of_statements_follow_each_other_on_one_thread() {
        step(1_000_000);

        assertThat(done).isEqualTo(1_000_001);
        assertThat(elsewhere).isEmpty();
    }

    @Test
    void what_is_left_behind_an_error_is_done_elsewhere() {
        Drain drain = new Drain(Lane.SESSIONS);
        drain.afterwards(() -> {
            step(1);
            throw new IllegalStateException("on purpose");
        });
        assertThatThrownBy(() -> drain.leave(lanes)).hasMessage("on purpose");

        assertThat(elsewhere).hasSize(1);
        step(2);
        assertThat(done).as("the thread is as before").isEqualTo(4);
    }
}
