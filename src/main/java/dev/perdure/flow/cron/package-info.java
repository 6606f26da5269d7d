/**
 * Cron expressions: reading them, and the next time that one matches. No clock: times are passed in. The checks here and
 * those of {@code df.wait_for_schedule} accept the same texts.
 */
@NullMarked
package dev.perdure.flow.cron;

import org.jspecify.annotations.NullMarked;
