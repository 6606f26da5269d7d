/** Settings ({@code perdure.*}) and the identity of the build. Every room may use it; it uses none. */
@NullMarked
package dev.perdure.config;

import org.jspecify.annotations.NullMarked;
