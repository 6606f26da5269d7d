/** Sends the requests of HTTP steps: in turn by role, recorded before they are sent, answered by the owner's checkpoint. */
@NullMarked
package dev.perdure.engine.http;

import org.jspecify.annotations.NullMarked;
