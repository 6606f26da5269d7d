package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;

/** How memory is shared between roles. */
class RoomTest {

    private final Room room = new Room(100);

    @Test
    void a_role_alone_gets_half() {
        enter(1, 49);
        assertThat(room.full()).isEmpty();
        enter(1, 1);
        assertThat(room.full()).containsExactly(1L);
    }

    @Test
    void the_next_role_gets_half_of_what_is_left() {
        enter(1, 50);
        enter(2, 24);
        assertThat(room.full()).containsExactly(1L);
        enter(2, 1);
        assertThat(room.full()).containsExactlyInAnyOrder(1L, 2L);
        enter(3, 12);
        assertThat(room.full()).doesNotContain(3L);
    }

    @Test
    void a_full_role_is_let_in_again_after_some_have_left_and_that_is_told_once() {
        enter(1, 50);
        room.full();
        for (int i = 0; i < 6; i++) {
            assertThat(room.leave(1)).as("after %d", i).isFalse();
            assertThat(room.full()).containsExactly(1L);
        }
        assertThat(room.leave(1)).isTrue();
        assertThat(room.full()).isEmpty();
        assertThat(room.leave(1)).isFalse();
    }

    @Test
    void a_role_whose_share_has_grown_since_others_left_is_let_in_again() {
        enter(1, 50);
        enter(2, 25);
        room.full();
        boolean told = false;
        for (int i = 0; i < 50; i++) {
            told |= room.leave(1);
        }
        assertThat(told).isTrue();
        assertThat(room.full()).isEmpty();
    }

    @Test
    void a_role_that_has_nothing_left_is_not_full_in_the_smallest_room() {
        Room small = new Room(1);
        small.enter(1);
        assertThat(small.full()).containsExactly(1L);
        assertThat(small.leave(1)).isTrue();
        assertThat(small.full()).isEmpty();
    }

    @Test
    void it_is_crowded_when_half_of_a_share_or_of_all_is_taken() {
        enter(1, 25);
        assertThat(room.isCrowded(1)).isFalse();
        enter(1, 1);
        assertThat(room.isCrowded(1)).isTrue();
        assertThat(room.isCrowded(2)).isFalse();
        enter(1, 25);
        assertThat(room.isCrowded(2)).isTrue();
    }

    @Test
    void what_goes_on_gets_three_quarters_of_what_others_leave() {
        LongPredicate admission = room.admission();
        assertThat(admitted(admission, 1)).isEqualTo(75);
        assertThat(admitted(admission, 2)).isEqualTo(19);
        assertThat(admitted(admission, 3)).isEqualTo(5);
        assertThat(admitted(admission, 4)).isEqualTo(1);
        assertThat(admitted(admission, 5)).isZero();
    }

    @Test
    void what_goes_on_has_room_beside_all_that_its_role_has_started() {
        enter(1, 50);
        assertThat(room.full()).containsExactly(1L);
        assertThat(admitted(room.admission(), 1)).isEqualTo(25);
    }

    @Test
    void an_admission_takes_no_room() {
        assertThat(admitted(room.admission(), 1)).isEqualTo(75);
        assertThat(admitted(room.admission(), 1)).isEqualTo(75);
        assertThat(room.full()).isEmpty();
    }

    private static int admitted(LongPredicate admission, long role) {
        int count = 0;
        while (admission.test(role)) {
            count++;
        }
        return count;
    }

    private void enter(long role, int count) {
        for (int i = 0; i < count; i++) {
            room.enter(role);
        }
    }
}
