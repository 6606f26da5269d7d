/** What addresses that steps have handed out are good for: their keys, and what is done for them. Knows no HTTP. */
@NullMarked
package dev.perdure.web.answer;

import org.jspecify.annotations.NullMarked;
