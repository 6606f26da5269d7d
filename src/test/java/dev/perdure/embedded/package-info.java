@NullMarked
package dev.perdure.embedded;

import org.jspecify.annotations.NullMarked;
