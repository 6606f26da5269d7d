@NullMarked
package dev.perdure;

import org.jspecify.annotations.NullMarked;
