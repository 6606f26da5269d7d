/** Tests of a process with several databases. */
@org.jspecify.annotations.NullMarked
package dev.perdure.fleet;
