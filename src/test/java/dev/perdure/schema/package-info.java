@NullMarked
package dev.perdure.schema;

import org.jspecify.annotations.NullMarked;
