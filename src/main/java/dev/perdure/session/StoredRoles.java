package dev.perdure.session;

import dev.perdure.store.InstanceStore;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** {@link SubmitterRoles} of a term, by its store. */
public final class StoredRoles implements SubmitterRoles {

    private final InstanceStore store;

    public StoredRoles(InstanceStore store) {
        this.store = store;
    }

    @Override
    public CompletionStage<Optional<Role>> role(long oid) {
        return store.role(oid)
                .map(found -> found.map(role -> new Role(role.name(), role.problem())))
                .toCompletionStage();
    }

    @Override
    public CompletionStage<Void> begin(boolean passwords) {
        return store.beginLogins(passwords).toCompletionStage();
    }

    @Override
    public CompletionStage<Void> refused(long oid, String problem) {
        return store.loginFailed(oid, problem).toCompletionStage();
    }

    @Override
    public CompletionStage<Void> accepted(long oid) {
        return store.loginWorks(oid).toCompletionStage();
    }
}
