package dev.perdure.session;

import java.sql.SQLException;
import java.util.Optional;

/** Source of the passwords (or tokens) with which the worker logs in as submitters. */
@FunctionalInterface
public interface PasswordSource {

    /**
     * The password of a role at this moment.
     *
     * @param role the role's name, unquoted
     * @return empty when there is none
     * @throws SQLException when there is one that cannot be read; without the password in the message
     */
    Optional<String> passwordOf(String role) throws SQLException;
}
