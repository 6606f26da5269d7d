/** The attacks, one class each. Each was once seen to end or to stall a worker. */
@NullMarked
package dev.perdure.attacks.attack;

import org.jspecify.annotations.NullMarked;
