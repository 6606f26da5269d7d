/** One class for each thing that is tried. A scenario makes a world of its own and leaves nothing behind. */
@NullMarked
package dev.perdure.faults.scenario;

import org.jspecify.annotations.NullMarked;
