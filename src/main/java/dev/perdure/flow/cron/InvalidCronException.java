package dev.perdure.flow.cron;

/** A text that is no cron expression. The message is the one that {@code df.wait_for_schedule} gives. */
public final class InvalidCronException extends Exception {

    private static final long serialVersionUID = 1L;

    InvalidCronException(String expression) {
        super("Invalid cron expression '" + expression + "': Invalid expression: Invalid cron expression.");
    }
}
