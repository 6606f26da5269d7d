package dev.perdure.session;

import dev.perdure.store.OwnerQueries;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** The {@link SubmitterRoles} of a term, read by its queries. */
public final class StoredRoles implements SubmitterRoles {

    private final OwnerQueries queries;

    public StoredRoles(OwnerQueries queries) {
        this.queries = queries;
    }

    @Override
    public CompletionStage<Optional<Role>> role(long oid) {
        return queries.role(oid)
                .map(found -> found.map(role -> new Role(role.name(), role.problem())))
                .toCompletionStage();
    }

    @Override
    public CompletionStage<Void> begin(boolean passwords) {
        return queries.beginLogins(passwords).toCompletionStage();
    }

    @Override
    public CompletionStage<Void> refused(long oid, String problem) {
        return queries.loginFailed(oid, problem).toCompletionStage();
    }

    @Override
    public CompletionStage<Void> accepted(long oid) {
        return queries.loginWorks(oid).toCompletionStage();
    }
}
