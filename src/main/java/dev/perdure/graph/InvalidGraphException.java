package dev.perdure.graph;

/** Rows that form no workflow. The message names the instance, the node and what is wrong with it. */
public final class InvalidGraphException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    InvalidGraphException(String instanceId, String nodeId, String problem) {
        super("Instance " + instanceId + ": node " + nodeId + ": " + problem);
    }
}
