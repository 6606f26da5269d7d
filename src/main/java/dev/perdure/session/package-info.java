/**
 * Sessions that are logged in as submitters: opening them, keeping them in pools, resetting them between steps, and receipts
 * in other databases. What a step does in one is decided elsewhere.
 */
@NullMarked
package dev.perdure.session;

import org.jspecify.annotations.NullMarked;
