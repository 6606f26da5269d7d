package dev.perdure.engine.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class NeighboursTest {

    private final AtomicLong nanos = new AtomicLong();
    private final Neighbours neighbours = new Neighbours(nanos::get, Duration.ofSeconds(1));

    private void later(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    @Test
    void a_role_by_itself_has_none() {
        assertThat(neighbours.areAtWork(1)).isFalse();
        neighbours.works(1);
        neighbours.works(1);

        assertThat(neighbours.areAtWork(1)).isFalse();
        assertThat(neighbours.areAtWork(2)).isTrue();
    }

    @Test
    void each_of_two_is_the_others_until_it_has_had_nothing_to_do_for_a_while() {
        neighbours.works(2);
        later(Duration.ofMillis(900));
        neighbours.works(1);
        assertThat(neighbours.areAtWork(1)).isTrue();

        neighbours.works(1);
        later(Duration.ofMillis(200));
        assertThat(neighbours.areAtWork(1)).isFalse();
        assertThat(neighbours.areAtWork(2)).isTrue();
    }

    @Test
    void of_three_roles_each_has_others() {
        neighbours.works(1);
        neighbours.works(2);
        neighbours.works(3);

        assertThat(neighbours.areAtWork(1)).isTrue();
        assertThat(neighbours.areAtWork(2)).isTrue();
        assertThat(neighbours.areAtWork(3)).isTrue();
    }
}
