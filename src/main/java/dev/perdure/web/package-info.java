/**
 * The dashboard and the HTTP API: a server on a port of its own. What a caller sees and may do is decided by PostgreSQL, in sessions
 * that are logged in as the caller; nothing here knows the engine.
 */
@NullMarked
package dev.perdure.web;

import org.jspecify.annotations.NullMarked;
