/** Perdure: durable SQL functions for any PostgreSQL. Only the entry of the program lives here. */
@org.jspecify.annotations.NullMarked
package dev.perdure;
