@NullMarked
package dev.perdure.control;

import org.jspecify.annotations.NullMarked;
