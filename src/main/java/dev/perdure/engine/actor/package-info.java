/**
 * Instances in memory. Each is an actor: everything that happens to it is a message in its mailbox, messages are handled one at a time,
 * and a decision is committed before the next message is handled. Statements, requests and writes are behind interfaces of this room.
 */
@NullMarked
package dev.perdure.engine.actor;

import org.jspecify.annotations.NullMarked;
