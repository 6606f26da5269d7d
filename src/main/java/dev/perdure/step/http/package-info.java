/**
 * HTTP steps: which addresses may be called, sending one request, and what becomes of its answer. Nothing here knows of
 * instances or of the database.
 */
@NullMarked
package dev.perdure.step.http;

import org.jspecify.annotations.NullMarked;
