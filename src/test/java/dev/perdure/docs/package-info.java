/** What the documentation says is run and compared here. CONTRIBUTING.md tells how examples are written. */
@NullMarked
package dev.perdure.docs;

import org.jspecify.annotations.NullMarked;
