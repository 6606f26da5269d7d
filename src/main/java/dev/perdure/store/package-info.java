/**
 * PostgreSQL: where it is, the schema's migration, loading instances, writing checkpoints, and the session pools in
 * which steps run as their submitters. Nothing here decides what a workflow does next.
 */
@NullMarked
package dev.perdure.store;

import org.jspecify.annotations.NullMarked;
