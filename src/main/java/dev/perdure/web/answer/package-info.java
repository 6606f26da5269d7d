/** Addresses that steps have handed out: their keys, and the actions of answers. Knows no HTTP. */
@NullMarked
package dev.perdure.web.answer;

import org.jspecify.annotations.NullMarked;
