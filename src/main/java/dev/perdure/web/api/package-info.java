/**
 * The HTTP API: one endpoint for each thing that can be asked or done, each a call of a function of schema {@code df} in a session of
 * the caller.
 */
@NullMarked
package dev.perdure.web.api;

import org.jspecify.annotations.NullMarked;
