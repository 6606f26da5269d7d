/**
 * HTTP steps: the addresses that requests may reach, sending one request, and handling its answer. Nothing here knows of instances or of
 * the database.
 */
@NullMarked
package dev.perdure.step.http;

import org.jspecify.annotations.NullMarked;
