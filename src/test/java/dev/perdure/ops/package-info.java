@NullMarked
package dev.perdure.ops;

import org.jspecify.annotations.NullMarked;
