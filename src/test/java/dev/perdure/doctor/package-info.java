@NullMarked
package dev.perdure.doctor;

import org.jspecify.annotations.NullMarked;
