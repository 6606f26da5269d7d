/** Workflows that know what they must leave behind, and the check that they did. Knows nothing of workers and faults. */
@NullMarked
package dev.perdure.faults.ledger;

import org.jspecify.annotations.NullMarked;
