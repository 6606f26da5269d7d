/**
 * Sessions that are logged in as submitters: opening them, keeping them in pools, resetting them between steps, and receipts in other
 * databases. Other rooms decide what runs in them.
 */
@NullMarked
package dev.perdure.session;

import org.jspecify.annotations.NullMarked;
