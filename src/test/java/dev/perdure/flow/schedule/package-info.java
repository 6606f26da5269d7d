@NullMarked
package dev.perdure.flow.schedule;

import org.jspecify.annotations.NullMarked;
