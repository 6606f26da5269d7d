/** Commands of the program that run without the worker and print to the terminal. */
@NullMarked
package dev.perdure.cli;

import org.jspecify.annotations.NullMarked;
