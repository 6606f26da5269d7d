/** What is kept of those who are logged in. */
@NullMarked
package dev.perdure.web.login;

import org.jspecify.annotations.NullMarked;
