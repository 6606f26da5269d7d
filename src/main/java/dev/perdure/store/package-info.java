/**
 * PostgreSQL: how it is reached ({@link dev.perdure.store.DatabaseUrl}), the schema {@code df} and its migration, loading
 * instances, writing checkpoints, wake-ups and the sessions of roles. Decisions about workflows are not taken here.
 */
@NullMarked
package dev.perdure.store;

import org.jspecify.annotations.NullMarked;
