@NullMarked
package dev.perdure.backup;

import org.jspecify.annotations.NullMarked;
