@NullMarked
package dev.perdure.session;

import org.jspecify.annotations.NullMarked;
