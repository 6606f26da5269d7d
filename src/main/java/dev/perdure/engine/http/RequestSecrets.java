package dev.perdure.engine.http;

import dev.perdure.engine.actor.TimerPort;
import dev.perdure.store.ItemKey;
import dev.perdure.store.Journal.Begun;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Whether the submitter of a request may use the secrets that it refers to, at this moment. */
public final class RequestSecrets {

    private static final Logger LOG = Logger.getLogger(RequestSecrets.class);
    private static final Duration PAUSE = Duration.ofMillis(200);

    /** Knows the grants of secrets. */
    @FunctionalInterface
    public interface Grants {
        /** The secrets among these that the submitter of an instance may not use. */
        CompletionStage<List<String>> refused(String instance, List<String> names);
    }

    private final Grants grants;
    private final TimerPort timers;

    public RequestSecrets(Grants grants, TimerPort timers) {
        this.grants = grants;
        this.timers = timers;
    }

    /**
     * Asks.
     *
     * @param then called with the error text of the node, or with null when the secrets may be used
     */
    void check(HttpAttempt attempt, Begun begun, Consumer<@Nullable String> then) {
        Set<String> names = attempt.effect().request().secrets();
        if (names.isEmpty()) {
            then.accept(null);
            return;
        }
        grants.refused(ItemKey.instanceOf(begun.instance()), List.copyOf(names)).whenComplete((refused, failure) -> {
            if (failure == null) {
                then.accept(refusal(begun, refused));
            } else if (attempt.isWanted()) {
                LOG.warnf("%s: whether it may use its secrets is not known, asking again: %s", attempt, failure);
                timers.after(PAUSE, () -> check(attempt, begun, then));
            } else {
                then.accept("not wanted any more");
            }
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
