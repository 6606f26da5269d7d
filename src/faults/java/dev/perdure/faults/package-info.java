/**
 * The fault suite: real worker processes and a real PostgreSQL are killed, frozen, cut off and rewound while workflows run,
 * and a ledger without unique keys says what was lost or done twice. Not part of the product.
 */
@NullMarked
package dev.perdure.faults;

import org.jspecify.annotations.NullMarked;
