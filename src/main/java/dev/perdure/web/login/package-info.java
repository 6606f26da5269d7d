/** Logins: as a role of PostgreSQL with its password, the sessions of a login on the server, and the defence against guessing. */
@NullMarked
package dev.perdure.web.login;

import org.jspecify.annotations.NullMarked;
