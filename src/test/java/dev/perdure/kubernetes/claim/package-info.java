@NullMarked
package dev.perdure.kubernetes.claim;

import org.jspecify.annotations.NullMarked;
