package dev.perdure.faults.world;

import java.util.Set;

/** What a transaction or a statement that comes to a {@link Point} is about. */
public enum Subject {
    /** A step of a workflow, and the decisions about it. */
    STEP,
    /** An item of a map, its end, or items that are written down. */
    ITEM,
    /** Instances and sections that are given slots, or whose time has come. */
    ADMISSION,
    /** Planned times of schedules. */
    PLANNED;

    private static final Set<Point> OF_ITEMS =
            Set.of(Point.BEFORE_CHECKPOINT, Point.BEFORE_COMMIT, Point.AFTER_COMMIT, Point.BEFORE_WRITE, Point.AFTER_WRITE);

    /** Whether it can come to that point. */
    public boolean comesTo(Point point) {
        return switch (this) {
            case STEP -> true;
            case ITEM -> OF_ITEMS.contains(point);
            case ADMISSION, PLANNED -> point == Point.BEFORE_WRITE || point == Point.AFTER_WRITE;
        };
    }
}
