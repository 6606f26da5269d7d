/** What can be set ({@code perdure.*}) and what was built. Every room may use it; it uses none. */
@NullMarked
package dev.perdure.config;

import org.jspecify.annotations.NullMarked;
