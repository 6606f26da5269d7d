package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NodeRecordTest {

    private static NodeRecord row(NodeStatus status, String stamp, int attempt) {
        return new NodeRecord(status, stamp, false, "1", null, null, null, attempt, null, null, null);
    }

    @Test
    void a_mark_shows_that_a_later_round_runs() {
        NodeRecord known = row(NodeStatus.COMPLETED, "i::1::loop::2", 1);
        NodeRecord mark = row(NodeStatus.RUNNING, "i::1::loop::3", 2);

        assertThat(known.marked(mark)).isEqualTo(mark);
    }

    @Test
    void a_mark_that_was_written_late_does_not_hide_a_later_round() {
        NodeRecord known = row(NodeStatus.COMPLETED, "i::1::loop::3", 1);
        NodeRecord mark = row(NodeStatus.RUNNING, "i::1::loop::2", 1);

        assertThat(known.marked(mark)).isEqualTo(known);
        assertThat(row(NodeStatus.COMPLETED, "i::10", 1).marked(row(NodeStatus.RUNNING, "i::9", 1)))
                .isEqualTo(row(NodeStatus.COMPLETED, "i::10", 1));
    }

    @Test
    void a_mark_of_the_same_execution_adds_its_attempt() {
        NodeRecord known = row(NodeStatus.RUNNING, "i::1", 1);

        assertThat(known.marked(row(NodeStatus.RUNNING, "i::1", 3))).isEqualTo(row(NodeStatus.RUNNING, "i::1", 3));
    }
}
