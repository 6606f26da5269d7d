package dev.perdure.session;

import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Roles of submitters, as the worker's own session sees them, and the publication of failed logins. */
public interface SubmitterRoles {

    /**
     * A role.
     *
     * @param name now
     * @param problem why no step may run as it; null when steps may
     */
    record Role(String name, @Nullable String problem) {}

    /** A role by its oid; empty when it was dropped. */
    CompletionStage<Optional<Role>> role(long oid);

    /**
     * Deletes the failed logins that earlier terms have published.
     *
     * @param passwords whether this worker has passwords of submitters
     */
    CompletionStage<Void> begin(boolean passwords);

    /** Has {@code df.start} refuse the role from now on. */
    CompletionStage<Void> refused(long oid, String problem);

    /** Has {@code df.start} accept the role again. */
    CompletionStage<Void> accepted(long oid);
}
