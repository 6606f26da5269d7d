package dev.perdure.engine.owner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.store.Journal.Write;
import dev.perdure.store.Journal.Written;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class GroupCommitTest {

    private final GroupCommit writes = new GroupCommit(() -> {}, () -> 0);
    private final List<String> told = new ArrayList<>();

    @SuppressWarnings("NullAway") // Nobody breaks down here.
    private final Teller teller = new Teller(null, why -> told.add(why));

    private void write(long role, String instance) {
        writes.write(role, new Write(instance, 1, "{}", null), outcome -> told.add(instance + " " + outcome));
    }

    private static List<String> instances(GroupCommit.Batch batch) {
        return batch.writes().stream().map(Write::instance).toList();
    }

    @Test
    void what_has_no_answer_goes_with_the_next_exchange_and_roles_take_turns_again() {
        write(1, "a");
        write(1, "b");
        write(1, "c");
        GroupCommit.Batch first = writes.next();
        write(2, "d");
        writes.answered(first, List.of(new Written.Ok()), teller);

        assertThat(told).containsExactly("a Ok[]");
        assertThat(instances(writes.next())).hasSize(3).startsWith("d").contains("b", "c");
    }
}
