package dev.perdure.session;

import dev.perdure.database.DatabaseUrl;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * Login of the worker as a submitter. {@code pg_hba.conf} decides whether it takes a password, or trust, a client certificate or peer
 * authentication; the worker offers everything that it has.
 */
@FunctionalInterface
public interface SubmitterLogin {

    /**
     * The URL with which a session of the role is opened now: password files are read at each call.
     *
     * @param role the role's name, unquoted
     * @throws SQLException when the role's password cannot be read
     */
    DatabaseUrl loginAs(DatabaseUrl worker, String role) throws SQLException;

    /** A login without a password: {@code trust}, {@code peer} or a client certificate that {@code pg_ident.conf} maps. */
    static SubmitterLogin withoutPassword() {
        return withPasswords(List.of());
    }

    /** A login with the password of the first source that has one, otherwise without (or with that of the URL's password file). */
    static SubmitterLogin withPasswords(List<PasswordSource> sources) {
        return (worker, role) -> {
            for (PasswordSource source : sources) {
                Optional<String> password = source.passwordOf(role);
                if (password.isPresent()) {
                    return worker.withUser(role, password.get());
                }
            }
            return worker.withUser(role, null);
        };
    }
}
