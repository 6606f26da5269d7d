package dev.perdure.leader;

import java.time.Instant;

/** This worker's part in the election of one database, for health and metrics. Thread-safe. */
public class LeaderStatus {

    /** The worker's part in the election. */
    public enum Role {
        /** Not connected to the database. */
        DISCONNECTED,
        /** Connected; another worker leads, or the server is a replica. */
        STANDBY,
        /** This worker executes. */
        LEADER,
        /** The server is not the one that the schema belongs to; an operator has to confirm. */
        REFUSED
    }

    /**
     * One moment's view.
     *
     * @param epoch of the current term when leading, else 0
     * @param since when the role was taken
     * @param detail why, for people
     */
    public record View(Role role, long epoch, Instant since, String detail) {}

    private volatile View view = new View(Role.DISCONNECTED, 0, Instant.now(), "not started");

    public View view() {
        return view;
    }

    /** Returns whether anything changed. */
    boolean set(Role role, long epoch, Instant now, String detail) {
        View before = view;
        boolean changed = before.role() != role
                || before.epoch() != epoch
                || !before.detail().equals(detail);
        if (changed) {
            view = new View(role, epoch, before.role() == role ? before.since() : now, detail);
        }
        return changed;
    }
}
