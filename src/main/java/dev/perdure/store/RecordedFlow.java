package dev.perdure.store;

import dev.perdure.flow.NodeRecord;
import java.util.List;
import java.util.Map;

/**
 * The nodes of a flow as checkpoints and marks have them.
 *
 * @param recorded of each node, by id
 * @param versionOfNode which checkpoint holds the state of a node
 * @param emptyVersions checkpoints that hold the state of none any more, without those that only claim their version
 * @param isMarked whether there are marks
 */
public record RecordedFlow(
        Map<String, NodeRecord> recorded,
        Map<String, Integer> versionOfNode,
        List<Integer> emptyVersions,
        boolean isMarked) {

    /** A flow without records. */
    public static final RecordedFlow NONE = new RecordedFlow(Map.of(), Map.of(), List.of(), false);
}
