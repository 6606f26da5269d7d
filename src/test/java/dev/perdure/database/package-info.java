@NullMarked
package dev.perdure.database;

import org.jspecify.annotations.NullMarked;
