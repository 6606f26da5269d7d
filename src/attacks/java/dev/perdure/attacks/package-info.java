/**
 * The attack suite: a submitter with ordinary rights, or a role with none, does its worst to a worker, and another submitter
 * is served all the same. Not part of the product.
 */
@NullMarked
package dev.perdure.attacks;

import org.jspecify.annotations.NullMarked;
