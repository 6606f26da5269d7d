/** Claims: which database the resources of a namespace belong to, so that two workers of one name never submit one resource twice. */
@NullMarked
package dev.perdure.kubernetes.claim;

import org.jspecify.annotations.NullMarked;
