/** One class for each way in which something breaks. */
@NullMarked
package dev.perdure.faults.fault;

import org.jspecify.annotations.NullMarked;
