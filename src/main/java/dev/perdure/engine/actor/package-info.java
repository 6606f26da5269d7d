/**
 * Instances in memory. Each is an actor: whatever happens to it is a message in its mailbox, messages are handled one at a time, and
 * a decision is committed before the next message is looked at. How statements are executed, requests sent and rows written is
 * behind the interfaces of this room.
 */
@NullMarked
package dev.perdure.engine.actor;

import org.jspecify.annotations.NullMarked;
