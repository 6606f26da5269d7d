package dev.perdure.kubernetes.watch;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * A feed for each kind in each namespace, none of which knows of the others. They run in every worker, leading or not: a new leader
 * knows at once what there is, and a deletion that needs no database needs no leader. For one thread, but for what is read.
 */
public final class Feeds {

    private static final Logger LOG = Logger.getLogger(Feeds.class);

    private final Map<Feed, Thread> feeds = new LinkedHashMap<>();

    /**
     * @param changed is told which resources are new, different or gone
     */
    public Feeds(
            List<String> namespaces, ApiServer server, ResourceCache cache, Consumer<Collection<ResourceKey>> changed) {
        for (String namespace : namespaces) {
            for (ResourceKind kind : ResourceKind.values()) {
                Feed feed = new Feed(kind, namespace, server, cache, changed);
                feeds.put(feed, thread(feed));
            }
        }
    }

    /** Starts those that do not run: all of them in the beginning, and later whichever an {@link Error} has ended. */
    public synchronized void start() {
        feeds.replaceAll((feed, thread) -> {
            if (thread.isAlive()) {
                return thread;
            }
            Thread started = thread;
            if (thread.getState() == Thread.State.TERMINATED) {
                FeedStatus status = feed.status();
                LOG.errorf("The watch of %s in namespace %s is started again", status.kind(), status.namespace());
                started = thread(feed);
            }
            started.start();
            return started;
        });
    }

    public synchronized void stop() {
        feeds.values().forEach(Thread::interrupt);
    }

    public synchronized List<FeedStatus> statuses() {
        List<FeedStatus> all = new ArrayList<>();
        feeds.keySet().forEach(feed -> all.add(feed.status()));
        return all;
    }

    /** Whether all of a namespace was shown once. */
    public synchronized boolean isSynced(String namespace) {
        return feeds.keySet().stream()
                .filter(feed -> feed.status().namespace().equals(namespace))
                .allMatch(Feed::isSynced);
    }

    private static Thread thread(Feed feed) {
        FeedStatus status = feed.status();
        Thread thread = new Thread(feed, "perdure-kubernetes-" + status.kind().plural() + "-" + status.namespace());
        thread.setDaemon(true);
        return thread;
    }
}
