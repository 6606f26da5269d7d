/** Tests of the election. */
@org.jspecify.annotations.NullMarked
package dev.perdure.leader;
