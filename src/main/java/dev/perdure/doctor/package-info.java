/**
 * Looks at a database the way the worker will use it, and reports problems and remedies. It changes nothing, and prints nothing. One check,
 * one class.
 */
@NullMarked
package dev.perdure.doctor;

import org.jspecify.annotations.NullMarked;
