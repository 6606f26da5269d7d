/** The trust model of docs/security.md, tried: the ways of logging in, and attacks of submitters, each of which has to fail. */
@NullMarked
package dev.perdure.security;

import org.jspecify.annotations.NullMarked;
