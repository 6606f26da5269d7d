/**
 * Server-sent events: changes are read once for all streams of a role that follow the same thing, and told to each. How often follows from
 * what a reading costs.
 */
@NullMarked
package dev.perdure.web.live;

import org.jspecify.annotations.NullMarked;
