package dev.perdure.engine;

import dev.perdure.store.InstanceStore.Begun;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Whether the submitter of a request may use the secrets that it refers to, at this moment. */
final class RequestSecrets {

    private static final Logger LOG = Logger.getLogger(RequestSecrets.class);
    private static final int TRY_AGAIN_MILLIS = 200;

    private final TermContext context;

    RequestSecrets(TermContext context) {
        this.context = context;
    }

    /**
     * Asks.
     *
     * @param then called with the error text of the node, or with null when the secrets may be used
     */
    void check(RequestTask task, Begun begun, Consumer<@Nullable String> then) {
        Set<String> names = task.effect().request().secrets();
        if (names.isEmpty()) {
            then.accept(null);
            return;
        }
        context.store().refusedSecrets(begun.instance(), List.copyOf(names)).onComplete(answer -> {
            if (answer.succeeded()) {
                context.deciders().execute(() -> then.accept(refusal(begun, answer.result())));
                return;
            }
            LOG.warnf("%s: whether it may use its secrets is not known, asking again: %s", task, answer.cause());
            context.scheduler().schedule(() -> check(task, begun, then), TRY_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
        });
    }

    private static @Nullable String refusal(Begun begun, List<String> refused) {
        if (refused.isEmpty()) {
            return null;
        }
        String name = refused.get(0);
        return "Blocked: role '" + begun.role() + "' may not use the secret '" + name
                + "'. An administrator can allow it: SELECT df.grant_secret('" + name + "', '"
                + String.valueOf(begun.role()).replace("'", "''") + "')";
    }
}
