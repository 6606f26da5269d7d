package dev.perdure.store;

/** How the worker logs in as a submitter. */
@FunctionalInterface
public interface SubmitterLogin {

    /**
     * The URL with which a session of the role is opened.
     *
     * @param role the role's name, unquoted
     */
    DatabaseUrl loginAs(DatabaseUrl worker, String role);

    /** Without a password: {@code trust}, {@code peer} or a client certificate that {@code pg_ident.conf} maps. */
    static SubmitterLogin withoutPassword() {
        return (worker, role) -> worker.withUser(role, null);
    }
}
