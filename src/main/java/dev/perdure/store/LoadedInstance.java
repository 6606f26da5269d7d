package dev.perdure.store;

import dev.perdure.flow.NodeRecord;
import dev.perdure.graph.NodeRow;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one instance, as {@code df._load} found them.
 *
 * @param status of the instance
 * @param vars captured variables, JSON text of an object; null when none
 * @param cancelReason as given to df.cancel
 * @param createdAt when the transaction that started it began
 * @param executionCount number of the current execution
 * @param submitter who submitted it
 * @param strangers nodes that carry another submitter or database than the instance: rows that were tampered with
 * @param nodes the graph's rows
 * @param recorded what the database knows of each node, by id
 * @param definitionBytes of the texts of all its nodes; when that is too much ({@link #MAX_DEFINITION_BYTES}) there are no nodes here
 * @param unreadable which row could not be read and why; null when all could
 * @param version the highest that a checkpoint has taken; 0 when none has
 * @param versionOfNode which checkpoint holds the state of a node
 * @param emptyVersions checkpoints that hold the state of none any more, without those that only claim their version
 * @param isMarked whether rows mark nodes as running, or attempts as begun
 * @param bytes of definition and state in the tables
 * @param isLarge whether nothing but its size was read: it has to be read by itself
 */
public record LoadedInstance(
        String id,
        String rootNode,
        @Nullable String label,
        @Nullable String vars,
        @Nullable String database,
        String status,
        @Nullable String cancelReason,
        Instant createdAt,
        long executionCount,
        Submitter submitter,
        List<String> strangers,
        List<NodeRow> nodes,
        Map<String, NodeRecord> recorded,
        long definitionBytes,
        @Nullable String unreadable,
        int version,
        Map<String, Integer> versionOfNode,
        List<Integer> emptyVersions,
        boolean isMarked,
        long bytes,
        boolean isLarge) {

    /** The most that {@code df._load} reads of one instance: 64 MiB, many times the size of 10,000 ordinary nodes. */
    public static final long MAX_DEFINITION_BYTES = 64L * 1024 * 1024;

    /** An instance whose rows cannot be read at all. */
    LoadedInstance unreadable(String why) {
        return new LoadedInstance(
                id,
                rootNode,
                label,
                vars,
                database,
                status,
                cancelReason,
                createdAt,
                executionCount,
                submitter,
                strangers,
                nodes,
                recorded,
                definitionBytes,
                why,
                version,
                versionOfNode,
                emptyVersions,
                isMarked,
                bytes,
                false);
    }

    /**
     * The role that an instance runs as.
     *
     * @param name null when the role no longer exists
     * @param blocked a superuser, while df.settings does not allow superusers to run instances
     */
    public record Submitter(long oid, @Nullable String name, boolean blocked) {}
}
