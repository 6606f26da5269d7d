/** Where attacks take place: a server, a worker, a victim whose service is measured, and who attacks. */
@NullMarked
package dev.perdure.attacks.stage;

import org.jspecify.annotations.NullMarked;
