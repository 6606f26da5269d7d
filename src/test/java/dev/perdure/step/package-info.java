@NullMarked
package dev.perdure.step;

import org.jspecify.annotations.NullMarked;
