package dev.perdure.kubernetes.reconcile;

import dev.perdure.fleet.Databases;
import dev.perdure.kubernetes.claim.Claims;
import dev.perdure.kubernetes.submit.CurrentTerm;
import dev.perdure.kubernetes.watch.ApiException;
import dev.perdure.kubernetes.watch.ApiServer;
import dev.perdure.kubernetes.watch.Resource;
import dev.perdure.kubernetes.watch.ResourceCache;
import dev.perdure.kubernetes.watch.ResourceKey;
import dev.perdure.kubernetes.watch.Seen;
import dev.perdure.kubernetes.watch.WorkQueue;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Resources whose {@code spec.worker} is no name of this process. Mostly they are another deployment's, whose Lease is in the namespace, and
 * nothing of them is touched; where no worker of that name has ever led there, the name is probably misspelt, and that is said.
 */
@Singleton
public class UnknownWorkers implements WorkQueue.Handler {

    private static final Logger LOG = Logger.getLogger(UnknownWorkers.class);
    private static final Duration LOOK_AGAIN = Duration.ofMinutes(1);
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(10);

    private record Place(String worker, String namespace) {}

    private final Set<String> names;
    private final ResourceCache cache;
    private final ApiServer server;
    private final CurrentTerm current;
    private final Claims claims;
    private final Elsewhere elsewhere;
    /** The last time at which each name was seen with a claim. */
    private final Map<Place, Long> claimed = new ConcurrentHashMap<>();

    UnknownWorkers(
            Databases databases,
            ResourceCache cache,
            ApiServer server,
            CurrentTerm current,
            Claims claims,
            Elsewhere elsewhere) {
        this.names = databases.all().stream()
                .map(one -> one.options().workerName())
                .collect(Collectors.toCollection(TreeSet::new));
        this.cache = cache;
        this.server = server;
        this.current = current;
        this.claims = claims;
        this.elsewhere = elsewhere;
    }

    @Override
    public @Nullable Duration handle(ResourceKey key) {
        Seen seen = cache.get(key);
        if (seen == null || names.contains(seen.worker()) || !current.isAny()) {
            return null;
        }
        try {
            if (isClaimed(new Place(seen.worker(), key.namespace()))) {
                return null;
            }
            Resource kept = seen.resource();
            Resource resource = kept == null ? cache.keep(key.kind(), server.read(key)) : kept;
            return elsewhere.nobodys(resource, problem(seen.worker())).after();
        } catch (ApiException e) {
            // Another process that leads says the same, or the right to look is missing, of which its own resources
            // tell.
            LOG.debugf("It was not said that nobody has %s: %s", key, e.getMessage());
            return e.isNotFound() ? null : e.isPassing() || e.isConflict() ? AFTER_FAILURE : LOOK_AGAIN;
        } catch (RuntimeException e) {
            LOG.errorf(e, "Looking at %s failed", key);
            return LOOK_AGAIN;
        }
    }

    /** Asked once a minute for all of them: another deployment may have thousands. */
    private boolean isClaimed(Place place) throws ApiException {
        Long seen = claimed.get(place);
        long now = System.nanoTime();
        if (seen != null && now - seen < TimeUnit.MINUTES.toNanos(1)) {
            return true;
        }
        boolean found = claims.isClaimed(place.worker(), place.namespace());
        if (found) {
            claimed.put(place, now);
        } else {
            claimed.remove(place);
        }
        return found;
    }

    private String problem(String worker) {
        return "no worker of the name '%s' has ever led in this namespace (there is no Lease %s); the one that says this has %s. Is spec.worker right?"
                .formatted(worker, Claims.leaseOf(worker), String.join(", ", names));
    }
}
