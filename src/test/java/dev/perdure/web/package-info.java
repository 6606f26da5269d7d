/** The dashboard and its API, against a server with passwords; and in a browser. */
@NullMarked
package dev.perdure.web;

import org.jspecify.annotations.NullMarked;
