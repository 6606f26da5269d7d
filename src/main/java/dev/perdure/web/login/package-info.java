/**
 * Who calls: logging in as a role of PostgreSQL with its password, the sessions that a login has on the server, and what keeps others
 * from guessing.
 */
@NullMarked
package dev.perdure.web.login;

import org.jspecify.annotations.NullMarked;
