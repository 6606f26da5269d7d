package dev.perdure.kubernetes.watch;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.database.Backoff;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * All resources of a kind in a namespace, listed and then watched, for ever. A watch is short, so that lost rights and a dead
 * connection are noticed; whatever ends it is said once, and it begins again after a growing pause. One thread.
 */
final class Feed implements Runnable {

    private static final Logger LOG = Logger.getLogger(Feed.class);

    /** A resource has up to 1.5 MB: an answer has to fit into the memory of a small pod. */
    private static final int PAGE = 25;

    private static final int WATCH_SECONDS = 30;
    private static final Duration LONGEST = Duration.ofSeconds(WATCH_SECONDS + 10);
    private static final Duration SHORT = Duration.ofSeconds(1);

    private final ResourceKind kind;
    private final String namespace;
    private final ApiServer server;
    private final ResourceCache cache;
    private final Consumer<Collection<ResourceKey>> changed;
    private final Backoff backoff = new Backoff();
    private volatile FeedStatus status;
    private volatile boolean synced;
    private String said = "";

    /**
     * @param changed is told what is new, different or gone
     */
    Feed(
            ResourceKind kind,
            String namespace,
            ApiServer server,
            ResourceCache cache,
            Consumer<Collection<ResourceKey>> changed) {
        this.kind = kind;
        this.namespace = namespace;
        this.server = server;
        this.cache = cache;
        this.changed = changed;
        this.status =
                new FeedStatus(kind, namespace, FeedStatus.State.STARTING, "not asked yet", false, Instant.now(), 0);
    }

    FeedStatus status() {
        return status;
    }

    /** Whether everything that there is was shown once. */
    boolean isSynced() {
        return synced;
    }

    @Override
    public void run() {
        try {
            while (true) {
                try {
                    String version = list();
                    working();
                    while (true) {
                        version = watch(version);
                        backoff.reset();
                    }
                } catch (ApiException e) {
                    if (Thread.currentThread().isInterrupted()) {
                        return; // the application ends
                    }
                    broken(e.isExpired() ? null : problem(e), e.isForbidden(), e.isUnanswered());
                } catch (RuntimeException e) {
                    LOG.debug("A watch has ended", e);
                    broken(Causes.text(e), false, false);
                }
                Thread.sleep(backoff.next().toMillis());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the application ends
        }
    }

    private String list() throws ApiException {
        List<Seen> all = new ArrayList<>();
        String more = "";
        while (true) {
            JsonNode page = server.get(kind.path(namespace) + "?limit=" + PAGE + more);
            page.path("items").forEach(item -> all.add(seen(item)));
            String next = page.path("metadata").path("continue").asText();
            if (next.isEmpty()) {
                synced = true;
                changed.accept(cache.replace(kind, namespace, all));
                return page.path("metadata").path("resourceVersion").asText();
            }
            more = "&continue=" + java.net.URLEncoder.encode(next, java.nio.charset.StandardCharsets.UTF_8);
        }
    }

    private Seen seen(JsonNode item) {
        // Its size is what it takes: the length of its text, counted without writing one that is large or deep.
        return Seen.of(Resource.of(kind, item), Sizes.of(item, Seen.SMALL + 1));
    }

    /** Returns the version from which to go on. */
    private String watch(String from) throws ApiException, InterruptedException {
        long begun = System.nanoTime();
        String[] version = {from};
        @Nullable ApiException[] problem = new ApiException[1];
        server.watch(
                kind.path(namespace) + "?watch=true&allowWatchBookmarks=true&timeoutSeconds=" + WATCH_SECONDS
                        + "&resourceVersion=" + from,
                LONGEST,
                line -> {
                    try {
                        handle(Documents.read(line), version, problem);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
        if (problem[0] != null) {
            throw problem[0];
        }
        Duration lasted = Duration.ofNanos(System.nanoTime() - begun);
        if (lasted.compareTo(SHORT) < 0) {
            Thread.sleep(SHORT.toMillis()); // a server that ends each watch at once must not be asked in a circle
        }
        return version[0];
    }

    private void handle(JsonNode event, String[] version, @Nullable ApiException[] problem) {
        JsonNode object = event.path("object");
        String type = event.path("type").asText();
        if (type.equals("ERROR")) {
            problem[0] = new ApiException(
                    object.path("code").asInt(), object.path("message").asText());
            return;
        }
        version[0] = object.path("metadata").path("resourceVersion").asText();
        if (type.equals("BOOKMARK")) {
            return;
        }
        Seen seen = seen(object);
        if (type.equals("DELETED")) {
            cache.remove(seen.key());
            changed.accept(List.of(seen.key()));
        } else if (cache.put(seen)) {
            changed.accept(List.of(seen.key()));
        }
    }

    private void working() {
        FeedStatus before = status;
        if (before.state() != FeedStatus.State.WATCHING) {
            if (before.state() == FeedStatus.State.BROKEN) {
                LOG.infof("%s of namespace %s are watched again", kind.plural(), namespace);
            }
            status = new FeedStatus(
                    kind, namespace, FeedStatus.State.WATCHING, null, false, Instant.now(), before.restarts());
        }
    }

    /** One line for each new reason; that there is no answer is one reason, in whatever words. */
    private void broken(@Nullable String problem, boolean forbidden, boolean unanswered) {
        FeedStatus before = status;
        if (problem == null) {
            // Too far behind: an ordinary thing, which a new list puts right.
            status = new FeedStatus(
                    kind,
                    namespace,
                    before.state(),
                    before.problem(),
                    before.isForbidden(),
                    before.since(),
                    before.restarts() + 1);
            return;
        }
        String reason = unanswered ? "no answer" : problem;
        if (before.state() != FeedStatus.State.BROKEN || !reason.equals(said)) {
            said = reason;
            LOG.warnf(
                    "%s of namespace %s are not watched, trying again until it works: %s",
                    kind.plural(), namespace, problem);
        }
        boolean same = before.state() == FeedStatus.State.BROKEN;
        status = new FeedStatus(
                kind,
                namespace,
                FeedStatus.State.BROKEN,
                problem,
                forbidden,
                same ? before.since() : Instant.now(),
                before.restarts() + 1);
    }

    private static String problem(ApiException e) {
        if (e.isForbidden()) {
            return e.getMessage() + ". The Role and RoleBinding of k8s/base/rbac give the right";
        }
        if (e.isNotFound()) {
            return e.getMessage() + ". The definitions of k8s/crds are missing";
        }
        return String.valueOf(e.getMessage());
    }
}
