@NullMarked
package dev.perdure.setup;

import org.jspecify.annotations.NullMarked;
