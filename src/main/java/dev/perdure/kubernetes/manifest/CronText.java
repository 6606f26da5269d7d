package dev.perdure.kubernetes.manifest;

import dev.perdure.flow.cron.CronSchedule;
import dev.perdure.flow.cron.InvalidCronException;

/** Cron expressions of manifests: those that {@code df.wait_for_schedule} takes. */
public final class CronText {

    private CronText() {}

    static boolean isValid(String expression) {
        try {
            CronSchedule.parse(expression);
            return true;
        } catch (InvalidCronException e) {
            return false;
        }
    }

    /** The error text for an invalid expression. */
    public static String problem(String expression) {
        return "'" + expression
                + "' is no cron expression: minute hour day-of-month month day-of-week (0-7, 0 and 7 are"
                + " Sunday), or @hourly and the like";
    }
}
