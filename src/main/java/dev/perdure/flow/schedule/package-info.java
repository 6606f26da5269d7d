/**
 * Planned times of a schedule: which are started, which are left out and why. Pure: no clock, times are passed in.
 * {@code df.create_schedule} and DurableSchedule share it.
 */
@NullMarked
package dev.perdure.flow.schedule;

import org.jspecify.annotations.NullMarked;
