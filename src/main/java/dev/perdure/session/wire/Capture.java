package dev.perdure.session.wire;

import java.util.ArrayList;
import java.util.List;

/** Takes the rows of statements that were sent together, in place of the driver. */
final class Capture {

    private final Grant grant;
    private final long maxBytes;
    private final List<PackedRows> ended = new ArrayList<>();
    private PackedRows current;

    /**
     * @param maxBytes of the rows of one statement
     */
    Capture(Grant grant, long maxBytes) {
        this.grant = grant;
        this.maxBytes = maxBytes;
        this.current = new PackedRows(grant, maxBytes);
    }

    /** The rows of the statement that is being executed. */
    PackedRows current() {
        return current;
    }

    /** The server has ended a statement; later messages belong to the next one. */
    void statementEnded() {
        ended.add(current);
        current = new PackedRows(grant, maxBytes);
    }

    /** The rows of a statement, by its place among those that were sent. */
    PackedRows rows(int statement) {
        return statement < ended.size() ? ended.get(statement) : current;
    }
}
